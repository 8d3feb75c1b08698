"""Requests that tell whether a part of a policy is there: for each policy what it refuses, and what it lets be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.api import pods
from tests.api.api import RBAC, Answer, Api
from tests.api.pods import Object

CORE = "/api/v1/namespaces/$ns"
ROLES = f"{RBAC}/namespaces/$ns"
JENKINS = {"kind": "ServiceAccount", "name": "jenkins", "namespace": "jenkins"}
MARK = {"labels": {"app.kubernetes.io/managed-by": "buildkeep"}}
OURS = {"labels": {**MARK["labels"], "buildkeep.dev/role": "rbac"}}
STRATEGIC = "application/strategic-merge-patch+json"


@dataclass(frozen=True)
class Probe:
    """One request, sent as a dry run where it is none to a pod.

    Attributes:
        user: key of the users that the test has.
        do: method and path, in which `$ns` stands for a namespace's name.
        refused: whether the whole policy refuses it.
    """

    user: str
    do: str
    body: Any = None
    refused: bool = True

    def send(self, users: Mapping[str, Api], namespace: str) -> Answer:
        """Send it to a namespace."""
        method, _, path = self.do.replace("$ns", namespace).partition(" ")
        dry = "" if method == "GET" else "?dryRun=All"
        body = filled(self.body, namespace)
        kinds = {"PATCH": STRATEGIC if "/pods/" in path else "application/merge-patch+json"}
        return users[self.user].request(method, path + dry, body, kinds.get(method, "application/json"))


def filled(value: Any, namespace: str) -> Any:
    """A body with the namespace's name in place of `$ns`."""
    if isinstance(value, Mapping):
        return {key: filled(one, namespace) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, namespace) for one in value]
    return value.replace("$ns", namespace) if isinstance(value, str) else value


def named(name: str = "new", **more: Any) -> Object:
    """An object with nothing but a name and what is given."""
    metadata = more.pop("metadata", {})
    return {"metadata": {"name": name, **metadata}, **more}


def role(*resources: str) -> Object:
    """The rules of a Role that may read these resources."""
    return {"rules": [{"apiGroups": [""], "resources": list(resources), "verbs": ["get"]}]}


def binding(user: str) -> Object:
    """What a RoleBinding of the controller's Role says, with its right subject or another."""
    other = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "old"}
    return {"roleRef": reference, "subjects": [other if user else JENKINS]}


def rights(kind: str, wide: Object, narrow: Object, emptied: Object) -> tuple[Probe, ...]:
    """Probes of the policies about Roles and RoleBindings."""
    return (
        Probe("dev", f"POST {ROLES}/{kind}", named(**wide)),
        Probe("dev", f"POST {ROLES}/{kind}", named(**narrow), refused=False),
        Probe("dev", f"PATCH {ROLES}/{kind}/old", wide),
        Probe("dev", f"DELETE {ROLES}/{kind}/old"),
        Probe("dev", f"POST {ROLES}/{kind}", named(**narrow, metadata=MARK)),
        Probe("dev", f"PATCH {ROLES}/{kind}/ours", emptied),
        Probe("dev", f"PATCH {ROLES}/{kind}/old", emptied, refused=False),
        Probe("admin", f"POST {ROLES}/{kind}", named(**wide), refused=False),
        Probe("cleanup", f"DELETE {ROLES}/{kind}/old", refused=False),
    )


# OpenShift's own, which it makes in every namespace.
PULLERS: Object = {
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:image-puller"},
    "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts:$ns"}],
}
AGENT, BAD = pods.dynamic_agent(), {**pods.tool("tool"), "image": "docker.io/evil/x:1"}
NEW_LABEL: Object = {"metadata": {"labels": {"buildkeep.dev/egress": "all"}}}
PODS = (
    Probe("dev", f"POST {CORE}/pods", pods.put(AGENT, "spec/hostPID", True)),
    Probe("dev", f"POST {CORE}/pods", AGENT, refused=False),
    Probe("dev", f"PATCH {CORE}/pods/good", {"spec": {"containers": [BAD]}}),
    Probe("dev", f"PATCH {CORE}/pods/good/ephemeralcontainers", {"spec": {"ephemeralContainers": [pods.tool("x")]}}),
    Probe("dev", f"PATCH {CORE}/pods/bad/resize",
          {"spec": {"containers": [{"name": "jnlp", "resources": {"limits": {"cpu": "400m"}}}]}}),
    Probe("dev", f"PATCH {CORE}/pods/good/status", NEW_LABEL),
    Probe("dev", f"PATCH {CORE}/pods/bad", {"metadata": {"finalizers": []}}, refused=False),
)  # fmt: skip
PODS_TENANT = (
    Probe("dev", f"POST {CORE}/pods", pods.put(AGENT, "spec/containers/0", BAD)),
    Probe("dev", f"POST {CORE}/pods", AGENT, refused=False),
    # The other policy's alone.
    Probe("dev", f"POST {CORE}/pods", pods.put(AGENT, "spec/hostPID", True), refused=False),
)  # fmt: skip
EXEC = (
    *(Probe("dev", f"GET {CORE}/pods/good/{part}") for part in ("exec?command=id", "attach", "portforward", "proxy/")),
    Probe("dev", f"GET {CORE}/services/http:old:80/proxy/"),
    Probe("controller", f"GET {CORE}/pods/good/exec?command=id", refused=False),
)
BINDING: Object = {"target": {"kind": "Node", "name": "n"}}
BINDINGS = (
    Probe("dev", f"POST {CORE}/pods/good/binding", named("good", **BINDING)),
    Probe("dev", f"POST {CORE}/bindings", named("good", **BINDING)),
    Probe("scheduler", f"POST {CORE}/pods/good/binding", named("good", **BINDING), refused=False),
    Probe("scheduler", f"POST {CORE}/bindings", named("good", **BINDING), refused=False),
)
SPACE = "/api/v1/namespaces"
PRIVILEGED: Object = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
NAMESPACES = (
    *(Probe("dev", f"PATCH {SPACE}/$ns{part}", PRIVILEGED) for part in ("", "/status")),
    Probe("dev", f"PUT {SPACE}/$ns/finalize",
          named("$ns", metadata={"labels": {"mutant": "$ns", "buildkeep.dev/tenant": "blog"}}, spec={})),
    Probe("dev", f"POST {SPACE}", named("x-$ns", metadata={"labels": {"mutant": "$ns", "buildkeep.dev/tenant": "x"}})),
    Probe("dev", f"DELETE {SPACE}/$ns"),
    Probe("dev", f"PATCH {SPACE}/$ns", {"metadata": {"labels": {"istio-injection": "enabled"}}}),
    Probe("dev", f"PATCH {SPACE}/free-$ns", PRIVILEGED, refused=False),
    Probe("admin", f"PATCH {SPACE}/$ns", PRIVILEGED, refused=False),
)  # fmt: skip
NAMES = tuple(
    Probe("dev", f"POST {SPACE}", named(name, metadata={"labels": {"mutant": "$ns"}}), refused=refused)
    for name, refused in (("ci-gone-$ns", True), ("free-too-$ns", False))
)
PROBES: Mapping[str, Sequence[Probe]] = {
    "buildkeep-pods": PODS,
    "buildkeep-pods-tenant": PODS_TENANT,
    "buildkeep-exec": EXEC,
    "buildkeep-bindings": BINDINGS,
    "buildkeep-roles": rights("roles", role("secrets"), role("pods"), {"rules": []}),
    "buildkeep-rolebindings": (
        *rights("rolebindings", binding("eve"), binding(""), {"subjects": []}),
        Probe("openshift", f"POST {ROLES}/rolebindings", named("system:image-pullers", **PULLERS), refused=False),
    ),
    "buildkeep-namespaces": NAMESPACES,
    "buildkeep-names": NAMES,
}
# What stands in every namespace before the policies do: path and body.
STANDING: Mapping[str, Sequence[tuple[str, Object]]] = {
    "buildkeep-pods": (
        (f"{CORE}/pods", pods.put(AGENT, "metadata/name", "good")),
        (f"{CORE}/pods", pods.put(pods.put(pods.put(AGENT, "metadata/name", "bad"), "spec/containers/0", BAD),
                                  "metadata/finalizers", ["example.org/held"])),
    ),
    "buildkeep-exec": ((f"{CORE}/pods", pods.put(AGENT, "metadata/name", "good")),),
    "buildkeep-bindings": ((f"{CORE}/pods", pods.put(AGENT, "metadata/name", "good")),),
    "buildkeep-roles": (
        (f"{ROLES}/roles", named("old", **role("pods"))),
        (f"{ROLES}/roles", named("ours", **role("pods"), metadata=OURS)),
    ),
    "buildkeep-rolebindings": (
        (f"{ROLES}/roles", named("old", **role("pods"))),
        (f"{ROLES}/rolebindings", named("old", **binding(""))),
        (f"{ROLES}/rolebindings", named("ours", **binding(""), metadata=OURS)),
    ),
    "buildkeep-namespaces": ((SPACE, named("free-$ns", metadata={"labels": {"mutant": "$ns"}})),),
}  # fmt: skip
