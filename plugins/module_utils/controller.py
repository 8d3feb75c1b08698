"""The Jenkins controller: where it runs, how it reaches this cluster, and how agents reach it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.rbac_verbs import features
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem

# What the inventory does not say; an empty URL is that of the controller's Service.
CONTROLLER: Mapping[str, Any] = {
    "namespace": "jenkins",
    "name": "jenkins",
    "serviceAccount": "jenkins",
    "url": "",
    "agentPort": 0,
    "garbageCollection": 300,
    "dynamicClaims": False,
    "cluster": {},
}


@dataclass(frozen=True)
class Controller:
    """The Jenkins controller: where it runs, and as whom it creates agent pods.

    Attributes:
        namespace: where it runs; for a Jenkins outside of the cluster, where its ServiceAccount is.
        name: of its release and Service.
        service_account: as whom it creates agent pods.
        url: where agents reach it.
        agent_port: TCP port for agents; 0: they connect by WebSocket.
        garbage_collection: seconds after which it removes agents left behind; 0: never.
        dynamic_claims: whether templates may make PersistentVolumeClaims of their own.
        cluster: for a Jenkins outside of the cluster `url`, `ca` (PEM), `credentialsId` and `renewal`; else empty.
    """

    namespace: str
    name: str
    service_account: str
    url: str
    agent_port: int = 0
    garbage_collection: int = 0
    dynamic_claims: bool = False
    cluster: Mapping[str, Any] = field(default_factory=dict)

    @property
    def user(self) -> str:
        """The name by which the API server knows its ServiceAccount."""
        return f"system:serviceaccount:{self.namespace}:{self.service_account}"

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that the API server gives its ServiceAccount."""
        return ("system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated")

    @property
    def features(self) -> frozenset[str]:
        """What of it is switched on and needs rights of its own, see rbac_verbs."""
        return features(garbage_collection=self.garbage_collection, dynamic_claims=self.dynamic_claims)


def read_controller(given: Mapping[str, Any]) -> Controller:
    """Make the controller of a valid `buildkeep_controller`, with what it leaves out filled in."""
    values = {**CONTROLLER, **given}
    return Controller(
        namespace=values["namespace"],
        name=values["name"],
        service_account=values["serviceAccount"],
        url=values["url"] or f"http://{values['name']}.{values['namespace']}.svc.cluster.local:8080",
        agent_port=values["agentPort"],
        garbage_collection=values["garbageCollection"],
        dynamic_claims=values["dynamicClaims"],
        cluster=dict(values["cluster"]),
    )


def values_of(controller: Controller) -> dict[str, Any]:
    """Say a controller in the words of the chart agent-templates."""
    return {
        "namespace": controller.namespace,
        "name": controller.name,
        "serviceAccount": controller.service_account,
        "url": controller.url,
        "agentPort": controller.agent_port,
        "garbageCollection": controller.garbage_collection,
        "dynamicClaims": controller.dynamic_claims,
        "cluster": dict(controller.cluster),
    }


def cluster_problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    """Find what is wrong with `buildkeep_controller.cluster` beyond its form; its certificate is never shown.

    Args:
        given: `buildkeep_controller`, of the right form.
    """
    cluster = given.get("cluster", {})
    place = "controller.cluster"
    if cluster and not cluster.get("url"):
        yield Problem(f"{place}.url", "is missing", "Write the https URL of the API server, or leave `cluster` out.")
    if cluster and not cluster.get("credentialsId"):
        yield Problem(f"{place}.credentialsId", "is missing", "Write the id of Jenkins' credentials with the token.")
    if "renewal" in cluster and not cluster["renewal"].get("secret"):
        remedy = "Name the Secret with `user` and `token` of a user of Jenkins, or leave `renewal` out."
        yield Problem(f"{place}.renewal.secret", "is missing", remedy)
    if cluster and not given.get("url"):
        text = "is missing: no Service leads agents to a controller outside of the cluster"
        yield Problem("controller.url", text, "Write the URL where agents reach it.")
    ca = cluster.get("ca", "")
    if "PRIVATE KEY" in ca:  # what was meant to be a certificate: it must not be on the screen
        remedy = "Give only the certificate; replace that key, it may be known."
        yield Problem(f"{place}.ca", "holds a private key", remedy)
    elif ca.strip() and "-----BEGIN CERTIFICATE-----" not in ca:
        yield Problem(
            f"{place}.ca", "holds no certificate", "Give the certificate itself as PEM text, not a file name."
        )
