"""What must hold before anything is changed: a cluster that answers, is new enough, and lets us do what we will do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    MANAGE_GROUP,
    MANAGE_RESOURCE,
    MANAGE_VERB,
    STRANGER,
)

OLDEST = (1, 30)  # ValidatingAdmissionPolicy is v1 from here on (KEP-3488)
ADMISSION = "admissionregistration.k8s.io/v1"
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_ALL = ("get", "list", "create", "patch", "delete")
_RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Right:
    """A verb on a resource, in all namespaces unless one is named."""

    verb: str
    group: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def attributes(self) -> dict[str, str]:
        """As authorization/v1 ResourceAttributes; a subresource stands after a slash."""
        resource, _, subresource = self.resource.partition("/")
        values = {**vars(self), "resource": resource, "subresource": subresource}
        return {name: value for name, value in values.items() if value}

    @property
    def target(self) -> str:
        """The resource in words, such as 'roles.rbac.authorization.k8s.io in namespace x'."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        named = f' "{self.name}"' if self.name else ""
        return resource + named + (f" in namespace {self.namespace}" if self.namespace else "")


# What site.yml does: (API group, resource, verbs).
_NEEDED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("", "namespaces", _ALL),
    ("", "serviceaccounts", _ALL),
    ("", "configmaps", _ALL),
    ("", "resourcequotas", _ALL),
    ("", "limitranges", _ALL),
    (_RBAC, "roles", (*_ALL, "escalate", "bind")),
    (_RBAC, "rolebindings", _ALL),
    (_RBAC, "clusterroles", (*_ALL, "escalate", "bind")),
    (_RBAC, "clusterrolebindings", _ALL),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies", (*_ALL, "update")),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings", (*_ALL, "update")),
    ("scheduling.k8s.io", "priorityclasses", ("list",)),
    ("authorization.k8s.io", "subjectaccessreviews", ("create",)),
    (MANAGE_GROUP, MANAGE_RESOURCE, (MANAGE_VERB,)),
)


def needed_rights(user: str, groups: Sequence[str]) -> list[Right]:
    """All rights that a run needs; to act as `user` and `groups` is what canaries need."""
    rights = [Right(verb, group, resource) for group, resource, verbs in _NEEDED for verb in verbs]
    rights += [Right("impersonate", "", "groups", name=group) for group in groups]
    return rights + [_impersonate(who) for who in ((user, STRANGER) if user else ())]


def _impersonate(user: str) -> Right:
    if user.startswith("system:serviceaccount:"):
        _, _, namespace, name = user.split(":", 3)
        return Right("impersonate", "", "serviceaccounts", namespace, name)
    return Right("impersonate", "", "users", name=user)


def is_allowed(cluster: Cluster, right: Right) -> bool:
    """Asks the API server (SelfSubjectAccessReview) whether we have a right."""
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right.attributes},
    }
    answer = cluster.client.request("POST", _REVIEW, body, what=f"ask whether you may {right.verb} {right.target}")
    return bool(answer.body["status"].get("allowed"))


def rights_problems(cluster: Cluster, rights: Sequence[Right]) -> list[str]:
    """One problem that lists every missing right. For an administrator a single question is enough."""
    if is_allowed(cluster, Right("*", "*", "*")):
        return []
    allowed = parallel(lambda right: is_allowed(cluster, right), rights)
    missing: dict[str, list[str]] = {}
    for right, may in zip(rights, allowed, strict=True):
        if not may:
            missing.setdefault(right.target, []).append(right.verb)
    if not missing:
        return []
    listed = "; ".join(f"{', '.join(verbs)} {target}" for target, verbs in missing.items())
    return [
        f"rights: you may not {listed}: use the kubeconfig of an administrator, or have a ClusterRole with these verbs "
        "bound to you"
    ]


def parse_version(body: dict[str, str]) -> tuple[int, int]:
    """(major, minor) of the answer of /version; vendors append a sign to the minor ('33+').

    An API server that emulates an older version (KEP-4330) has the features of that one.
    """
    kind = ("emulationMajor", "emulationMinor") if body.get("emulationMinor") else ("major", "minor")
    numbers = [re.match(r"\d+", str(body.get(part, ""))) for part in kind]
    if not all(numbers):
        raise BuildkeepError([f"the API server's version cannot be read: {body}; is this a Kubernetes API server?"])
    major, minor = (int(number[0]) for number in numbers if number)
    return major, minor


def version_problems(version: tuple[int, int], text: str) -> list[str]:
    """A problem if the cluster is too old."""
    if version >= OLDEST:
        return []
    oldest = ".".join(map(str, OLDEST))
    return [f"cluster: Kubernetes {text} is too old: upgrade it to {oldest} or newer, for ValidatingAdmissionPolicy"]


def policy_problems(cluster: Cluster) -> list[str]:
    """A problem if the API of policies is switched off."""
    try:
        if "ValidatingAdmissionPolicy" in cluster.resources(ADMISSION):
            return []
    except ApiError as error:
        if error.status != 404:
            raise
    return [
        f"cluster: the API server does not serve ValidatingAdmissionPolicy in {ADMISSION}: remove what switches it off "
        "from the API server's --runtime-config"
    ]


def namespace_problems(cluster: Cluster, names: Sequence[str]) -> list[str]:
    """A problem for each namespace that must be there and is not."""
    return [
        f"cluster: namespace {name} does not exist: install the controller first, or correct its namespace"
        for name in names
        if cluster.get(cluster.resource("v1", "Namespace"), "", name) is None
    ]


def look(cluster: Cluster, rights: Sequence[Right], namespaces: Sequence[str] = ()) -> tuple[str, list[str]]:
    """The cluster's version ('v1.37.1') and all its problems. Raises BuildkeepError when it does not answer."""
    body = cluster.client.request("GET", "/version", what="read the version").body
    text = str(body.get("gitVersion", ""))
    problems = version_problems(parse_version(body), text)
    if not problems:
        problems = policy_problems(cluster)
    missing = rights_problems(cluster, rights)
    return text, problems + (
        missing or namespace_problems(cluster, namespaces)
    )  # who lacks rights may be unable to look
