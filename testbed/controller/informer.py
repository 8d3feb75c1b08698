"""One list and one watch of the pods of a namespace, shared by all builds that have agents there.

After jenkinsci/kubernetes-plugin, KubernetesCloud.registerPodInformer and Reaper.CloudPodWatcher: pods of this
controller only, by their labels; the watch begins again after whatever broke it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from testbed.controller.cluster import GONE, ApiError, Cluster, Object

SLICE = 30  # seconds of one watch; a thread that nobody needs any more ends after it
FIRST_SECONDS = 10.0  # of waiting for the first list
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)  # seconds before the next try, by the number of failures in a row
LOG = logging.getLogger(__name__)


class Listener(Protocol):
    """Hears about one pod. Called by the informer's thread, which waits for nobody: it may not block."""

    def changed(self, kind: str, pod: Object) -> None:
        """`kind`: ADDED, MODIFIED or DELETED; the pod as it is now, or was last."""

    def failed(self, error: ApiError) -> None:
        """The API server refuses the list or the watch."""


class Informers:
    """The informers of all namespaces. `vanished(namespace)` is called for every pod that is deleted."""

    def __init__(self, cluster: Cluster, vanished: Callable[[str], None] = lambda _: None) -> None:
        """Nothing is watched before somebody asks."""
        self.cluster, self.vanished = cluster, vanished
        self.lock = threading.Lock()
        self.running: dict[tuple[str, str], Informer] = {}

    @contextmanager
    def subscribed(self, namespace: str, labels: str, name: str, listener: Listener) -> Iterator[None]:
        """`listener` hears of the pod `name` as long as the block runs."""
        with self.lock:
            informer = self.running.get((namespace, labels))
            if informer is None:
                informer = self.running[namespace, labels] = Informer(self, namespace, labels)
                threading.Thread(target=informer.run, daemon=True, name=f"pods of {namespace}").start()
            informer.listeners[name] = listener
        try:
            informer.listed.wait(FIRST_SECONDS)  # as the plugin's: nothing is created before it is known what there is
            yield
        finally:
            with self.lock:
                informer.listeners.pop(name, None)
                informer.known.pop(name, None)


class Informer:
    """The pods of one namespace with some labels, in a thread of its own until nobody listens."""

    def __init__(self, owner: Informers, namespace: str, labels: str) -> None:
        """`owner` holds the lock for `listeners` and `known`: the pods that listeners have heard of."""
        self.owner, self.namespace, self.labels = owner, namespace, labels
        self.listeners: dict[str, Listener] = {}
        self.known: dict[str, Object] = {}
        self.version = ""
        self.failures = 0
        self.listed, self.ended = threading.Event(), threading.Event()

    def run(self) -> None:
        """Until nobody listens."""
        while self.wanted():
            try:
                if not self.version:
                    self.relist()
                for event in self.owner.cluster.watch(self.namespace, self.labels, self.version, SLICE):
                    self.failures = 0
                    self.version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self.tell(event["type"], event["object"])
                self.failures = 0
                self.rest(PAUSES[0])
            except ApiError as error:
                self.trouble(error)
            except Exception as error:  # what a server sent that is no API server: builds must not wait for ever
                LOG.exception("pods of %s", self.namespace)
                self.trouble(ApiError("GET", self.namespace, GONE, f"{type(error).__name__}: {error}"))

    def wanted(self) -> bool:
        """Whether somebody listens; if not, this informer is no longer found."""
        with self.owner.lock:
            if not self.listeners:
                del self.owner.running[self.namespace, self.labels]
                self.ended.set()
            return bool(self.listeners)

    def relist(self) -> None:
        """Tells what happened while nobody watched: a pod that is not there any more was deleted."""
        pods, self.version = self.owner.cluster.listed(self.namespace, self.labels)
        found = {pod["metadata"]["name"]: pod for pod in pods}
        with self.owner.lock:
            gone = [pod for name, pod in self.known.items() if name not in found]
            changes = [(self.known.get(name), pod) for name, pod in found.items()]
        self.listed.set()
        for pod in gone:
            self.tell("DELETED", pod)
        for before, pod in changes:
            if before is None:
                self.tell("ADDED", pod)
            elif _version(before) != _version(pod):
                self.tell("MODIFIED", pod)

    def tell(self, kind: str, pod: Object) -> None:
        """Hands a change to whom it concerns."""
        name = pod["metadata"]["name"]
        with self.owner.lock:
            listener = self.listeners.get(name)
            if listener is not None:
                self.known[name] = pod
        if listener is not None:
            listener.changed(kind, pod)
        if kind == "DELETED":
            self.owner.vanished(self.namespace)

    def trouble(self, error: ApiError) -> None:
        """Waits a little after a failure; one that will not pass is told to all who listen."""
        LOG.warning("pods of %s: %s", self.namespace, error)
        if error.status == GONE:
            self.version = ""
        elif not error.passing:
            self.version = ""
            with self.owner.lock:
                listeners = list(self.listeners.values())
            for listener in listeners:
                listener.failed(error)
        self.listed.set()
        self.failures += 1
        if self.failures % len(PAUSES) == 0:
            self.version = ""  # whatever it is that the server does not like about it
        self.rest(PAUSES[min(self.failures, len(PAUSES)) - 1])

    def rest(self, seconds: float) -> None:
        """Keeps a server that ends every watch at once from being asked without a pause."""
        threading.Event().wait(seconds)


def _version(pod: Object) -> Any:
    return pod["metadata"].get("resourceVersion")
