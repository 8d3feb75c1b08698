"""What the policies cost a pod: creates with all of them bound against none, on one server in one run.

Rounds alternate between bound and not bound, so that what else the machine does meanwhile hits both alike; a round is
held against its neighbour, and the middle one of the ratios counts.
"""

from __future__ import annotations

import re
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import names, policies
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, clouds, static_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from bench.clients import Load, Target, load
from testbed.apiserver import ApiServer
from tests.api.api import ADMISSION, Api, until
from tests.chart.rendering import template, tenants

ROUNDS = 7
TENANT, NAMESPACE = "shop", "ci-shop"
# Clients, whether a dry run, and how many requests a round sends.
KINDS = {(1, True): 300, (8, True): 800, (1, False): 300, (8, False): 800}
_CONTROLLER = {"namespace": "jenkins", "serviceAccount": "jenkins"}
_BINDINGS = f"{ADMISSION}/validatingadmissionpolicybindings"
_POLICIES = f"{ADMISSION}/validatingadmissionpolicies"


@dataclass(frozen=True)
class Round:
    """One kind of load with nothing bound and with everything bound, and the server's CPU seconds for each."""

    clients: int
    dry: bool
    tenants: int
    none: Load
    bound: Load
    cpu_none: float
    cpu_bound: float


class Cluster:
    """A server with a tenant's namespace, all policies and no binding."""

    def __init__(self, server: ApiServer) -> None:
        """Make the namespace and the policies."""
        self._api = Api(server)
        self._server = server
        self._target = Target(server.port, server.ca, server.token(), f"/api/v1/namespaces/{NAMESPACE}/pods")
        made = policies.build_policies(load_profiles(), [], _CONTROLLER)
        self._bindings = [item for item in made if item["kind"] == "ValidatingAdmissionPolicyBinding"]
        # Bindings are read in turns of a second, so the one that is asked for comes and goes last.
        self._bindings.sort(key=lambda item: item["spec"]["policyName"] == names.POLICY_PODS)
        for item in made:
            if item not in self._bindings:
                self._api.create(_POLICIES, item).done()
        self.add_tenant(TENANT)
        for account in ("agent", "builder-kaniko"):
            body = {"metadata": {"name": account}, "automountServiceAccountToken": False}
            self._api.create(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", body).done()
        rendered = clouds(template(tenants(TENANT)).of_kind("ConfigMap"))
        self._pod: dict[str, Any] = static_pod(rendered[TENANT], "shop-kaniko", AgentInfo("agent-x1", "s3cr3t"))
        self._turn = 0

    def add_tenant(self, name: str) -> None:
        """Make a tenant's namespace, as the role `tenants` does."""
        labels = {names.LABEL_TENANT: name, names.LABEL_MODE: "enforce"}
        labels |= {f"{names.PSA_PREFIX}enforce": "baseline", f"{names.PSA_PREFIX}enforce-version": "v1.37"}
        annotations = {names.ANNOTATION_IMAGES: f"registry.example/{name}/", names.ANNOTATION_BUILDERS: "kaniko"}
        body = {"metadata": {"name": f"ci-{name}", "labels": labels, "annotations": annotations}}
        self._api.create("/api/v1/namespaces", body).done()

    @contextmanager
    def bound(self) -> Iterator[None]:
        """Bind every policy, and take the bindings away again."""
        for item in self._bindings:
            self._api.create(_BINDINGS, item).done()
        self._until(refused=True)
        yield
        for item in self._bindings:
            self._api.request("DELETE", f"{_BINDINGS}/{item['metadata']['name']}").done()
        self._until(refused=False)

    def measure(self, clients: int, dry: bool, requests: int) -> tuple[Load, float]:
        """One load, and the CPU seconds that the server had for it."""
        self._turn += 1
        before = self._cpu()
        found = load(self._target, self._pod, clients, requests, dry=dry, turn=self._turn)
        cpu = self._cpu() - before
        if not dry:
            self._api.request("DELETE", f"{self._target.path}?gracePeriodSeconds=0").done()
        return found, cpu

    def _until(self, *, refused: bool) -> None:
        bad = {**self._pod, "spec": {**self._pod["spec"], "hostAliases": [{"ip": "10.0.0.9", "hostnames": ["x"]}]}}
        until(lambda: self._api.create(self._target.path, bad, dry=True), lambda answer: answer.ok is not refused)

    def _cpu(self) -> float:
        context = ssl.create_default_context(cafile=str(self._server.ca))
        headers = {"Authorization": f"Bearer {self._server.token()}"}
        request = urllib.request.Request(f"{self._server.url}/metrics", headers=headers)  # noqa: S310 - https
        with urllib.request.urlopen(request, context=context, timeout=30) as answer:  # noqa: S310 - https
            found = re.search(rb"^process_cpu_seconds_total (\S+)$", answer.read(), re.MULTILINE)
        if not found:
            raise LookupError("the API server tells no process_cpu_seconds_total")
        return float(found[1])


def run(rounds: int = ROUNDS, more_tenants: int = 999) -> list[Round]:
    """Measure every kind of load with one tenant, then dry runs of one client with many tenants."""
    # A real create waits for the disk.
    with ApiServer(durable=True) as server:
        cluster = Cluster(server)
        found = [one for _ in range(rounds) for one in _round(cluster, KINDS, 1)]
        for number in range(more_tenants):
            cluster.add_tenant(f"team-{number:04d}")
        few = {(1, True): 2 * KINDS[1, True]}
        return found + [one for _ in range(rounds) for one in _round(cluster, few, 1 + more_tenants)]


def _round(cluster: Cluster, kinds: dict[tuple[int, bool], int], tenants_there: int) -> list[Round]:
    def all_kinds() -> dict[tuple[int, bool], tuple[Load, float]]:
        cluster.measure(1, True, 100)  # what the server compiles or fetches at its first use
        return {kind: cluster.measure(*kind, requests) for kind, requests in kinds.items()}

    none = all_kinds()
    with cluster.bound():
        bound = all_kinds()
    return [
        Round(
            clients,
            dry,
            tenants_there,
            none[clients, dry][0],
            bound[clients, dry][0],
            none[clients, dry][1],
            bound[clients, dry][1],
        )
        for clients, dry in kinds
    ]
