"""Garbage collection: marks the pods of agents that live, deletes those that nobody has marked for a while.

After jenkinsci/kubernetes-plugin, GarbageCollection.PeriodicGarbageCollection and KubernetesSlave.annotateTtl: once a
period, only for clouds that say `garbageCollection`, and only pods with this controller's label. What the plugin leaves
to it, a pod that could not be deleted when its build was over, is tried again here every few seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import plugin_pod

from testbed.controller.cluster import ApiError, Cluster
from testbed.controller.living import Living
from testbed.controller.pods import CONTROLLER_LABEL

PERIOD = 60.0  # seconds; the plugin's system property recurrencePeriod
MINIMUM = 120  # seconds; the shortest timeout
RETRY = 5.0  # seconds between two tries to delete a pod
REFRESHED = "kubernetes.jenkins.io/last-refresh"
LOG = logging.getLogger(__name__)


def stale(pod: Mapping[str, Any], now: float, timeout: float) -> bool:
    """Whether nobody has marked a pod for longer than `timeout` seconds; one without a mark is left alone.

    Args:
        pod: as the API server has it.
        now: in milliseconds since 1970.
        timeout: in seconds, MINIMUM at least.
    """
    marked = str((pod["metadata"].get("annotations") or {}).get(REFRESHED, ""))
    return marked.isdigit() and now - int(marked) > max(timeout, MINIMUM) * 1000


class Collector:
    """Runs in a thread of its own from `start` to `stop`."""

    def __init__(self, cluster: Cluster, living: Living, clouds: Callable[[], Iterable[plugin_pod.Cloud]],
                 period: float = PERIOD) -> None:  # fmt: skip
        """`clouds` gives the clouds as they are now; `period` is in seconds."""
        self.cluster, self.living, self.clouds, self.period = cluster, living, clouds, period
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="garbage collection")

    def start(self) -> None:
        """Begins: first with what an earlier process left."""
        self._thread.start()

    def stop(self) -> None:
        """Ends, after what it is doing."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        due = 0.0
        while not self._stopped.is_set():
            try:
                self.delete_doomed()
                if time.monotonic() >= due:
                    due = time.monotonic() + self.period
                    self.refresh()
                    self.collect()
            except Exception:  # it goes on, whatever one round met
                LOG.exception("garbage collection")
            self._stopped.wait(min(RETRY, self.period))

    def delete_doomed(self) -> None:
        """Tries again to delete what could not be deleted."""
        for agent in self.living.doomed():
            try:
                self.cluster.delete_pod(agent.namespace, agent.name)
            except ApiError as error:
                LOG.warning("cannot delete pod %s/%s: %s", agent.namespace, agent.name, error)
                if error.passing:
                    continue
            self.living.deleted(agent)

    def refresh(self) -> None:
        """Marks the pods of the agents that live."""
        for agent in self.living.live():
            if not agent.refreshed:
                continue
            try:
                self.cluster.refresh(agent.namespace, agent.name, {REFRESHED: str(int(time.time() * 1000))})
            except ApiError as error:
                if error.status != 404:  # not created yet, or about to be told of by the reaper
                    LOG.warning("cannot mark pod %s/%s: %s", agent.namespace, agent.name, error)

    def collect(self) -> None:
        """Deletes the pods of this controller that nobody marks."""
        for cloud in self.clouds():
            rules = cloud.attributes.get("garbageCollection")
            if not rules:
                continue
            label = plugin_pod.sanitize_label(cloud.attributes["jenkinsUrl"])
            named = str(rules.get("namespaces") or "").split()
            for namespace in dict.fromkeys([cloud.attributes["namespace"], *named]):
                try:
                    self._collect(namespace, f"{CONTROLLER_LABEL}={label}", float(rules.get("timeout") or 0))
                except ApiError as error:
                    LOG.warning("garbage collection of cloud %s in %s: %s", cloud.name, namespace, error)

    def _collect(self, namespace: str, labels: str, timeout: float) -> None:
        now = time.time() * 1000
        for pod in self.cluster.left_behind(namespace, labels):
            if stale(pod, now, timeout):
                LOG.info("deleting orphan pod %s/%s", namespace, pod["metadata"]["name"])
                self.cluster.delete_pod(namespace, pod["metadata"]["name"])
