"""What must hold before anything is changed: a cluster that answers, is new enough, and lets us do what we will do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import scc
from ansible_collections.buildkeep.ci.plugins.module_utils.allowlist_other import unenforced
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import AUTO, PSP, SCC, Backend, Served, choose
from ansible_collections.buildkeep.ci.plugins.module_utils.backends_served import served
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    MANAGE_GROUP,
    MANAGE_RESOURCE,
    MANAGE_VERB,
    STRANGER,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_checks import cluster_problems
from ansible_collections.buildkeep.ci.plugins.module_utils.policies_defaults import served_problem

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
    ("scheduling.k8s.io", "priorityclasses", ("list",)),
    # Of the role `node_profiles`.
    ("", "nodes", ("list",)),
    ("", "pods", ("get", "list", "create", "delete")),
    ("", "events", ("list",)),
    ("apps", "daemonsets", _ALL),
    ("networking.k8s.io", "networkpolicies", _ALL),
    ("authorization.k8s.io", "subjectaccessreviews", ("create",)),
    (MANAGE_GROUP, MANAGE_RESOURCE, (MANAGE_VERB,)),
)
_ADMISSION = "admissionregistration.k8s.io"
# What it does besides, by what the backend is made of.
_OF_POLICIES = (
    (_ADMISSION, "validatingadmissionpolicies", (*_ALL, "update")),
    (_ADMISSION, "validatingadmissionpolicybindings", (*_ALL, "update")),
)
_OF_DEFAULTS = (
    (_ADMISSION, "mutatingadmissionpolicies", (*_ALL, "update")),
    (_ADMISSION, "mutatingadmissionpolicybindings", (*_ALL, "update")),
)
_OF_BACKENDS: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    PSP: (("policy", "podsecuritypolicies", _ALL),),
    SCC: (("security.openshift.io", "securitycontextconstraints", _ALL),),
}
_OF_IMAGES: Mapping[str, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    "kyverno": (("kyverno.io", "clusterpolicies", _ALL),),
    "gatekeeper": (
        ("templates.gatekeeper.sh", "constrainttemplates", _ALL),
        ("constraints.gatekeeper.sh", "buildkeepimages", _ALL),
    ),
}
# Of Helm and the role `jenkins`, in the controller's namespace.
_OF_JENKINS = (
    ("", "secrets", (*_ALL, "update")),
    ("", "services", _ALL),
    ("", "persistentvolumeclaims", _ALL),
    ("apps", "statefulsets", _ALL),
    ("policy", "poddisruptionbudgets", _ALL),
    ("networking.k8s.io", "ingresses", _ALL),
    ("batch", "cronjobs", _ALL),
)
# Of what the role `rbac` makes there for a controller outside of the cluster.
_OF_OUTSIDE = tuple(row for row in _OF_JENKINS if row[1] in ("secrets", "cronjobs"))


@dataclass(frozen=True)
class Question:
    """What a run is about to do.

    Attributes:
        user: whom canaries impersonate, or empty.
        groups: the groups that they impersonate.
        namespaces: namespaces that must exist.
        backend: the wanted policy backend, or `auto`.
        unenforced: `refuse` or `accept` what the backend cannot enforce; empty where nothing is to be enforced.
        pod_defaults: whether a MutatingAdmissionPolicy is wanted.
        impossible: by backend, problems that the inventory has only where that backend is the one, without policies.
        conditions: problems that it has in some clusters (node_profiles_checks.conditions()).
        jenkins: namespace in which Jenkins is installed, or empty.
        outside: namespace of what a Jenkins outside of the cluster logs in with, or empty.
    """

    user: str = ""
    groups: Sequence[str] = ()
    namespaces: Sequence[str] = ()
    backend: str = AUTO
    unenforced: str = ""
    pod_defaults: bool = False
    impossible: Mapping[str, Sequence[str]] = field(default_factory=dict)
    conditions: Sequence[Mapping[str, Any]] = ()
    jenkins: str = ""
    outside: str = ""


@dataclass(frozen=True)
class Finding:
    """The cluster's version ('v1.37.1'), its backend where it has one, and what is to be said about it."""

    version: str
    backend: Backend | None
    problems: Sequence[str]
    warnings: Sequence[str]


def needed_rights(question: Question, backend: Backend) -> list[Right]:
    """All rights that a run needs; to act as `user` and `groups` is what canaries need."""
    user, groups = question.user, question.groups
    rows = [*_NEEDED, *_OF_BACKENDS.get(backend.name, ()), *_OF_IMAGES.get(backend.images, ())]
    rows += [*(_OF_POLICIES if backend.policies else ()), *(_OF_DEFAULTS if question.pod_defaults else ())]
    rights = [Right(verb, group, resource) for group, resource, verbs in rows for verb in verbs]
    for namespace, more in ((question.jenkins, _OF_JENKINS), (question.outside, _OF_OUTSIDE)):
        rows = list(more) if namespace else []
        rights += [Right(verb, group, resource, namespace) for group, resource, verbs in rows for verb in verbs]
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


def namespace_problems(cluster: Cluster, names: Sequence[str]) -> list[str]:
    """A problem for each namespace that must be there and is not."""
    return [
        f"cluster: namespace {name} does not exist: install the controller first, or correct its namespace"
        for name in names
        if cluster.get(cluster.resource("v1", "Namespace"), "", name) is None
    ]


def backend_problems(found: Served, question: Question) -> tuple[Backend | None, list[str], list[str]]:
    """The backend that a run will use, with problems and warnings about it."""
    try:
        backend = choose(found, question.backend)
    except BuildkeepError as error:
        return None, list(error.problems), []
    open_ends = [*unenforced(backend), *scc.unenforced(backend)] if question.unenforced else []
    defaults = served_problem(question.pod_defaults, found.mutations)
    impossible = () if backend.policies else question.impossible.get(backend.name, ())
    problems = [
        *([defaults] if defaults else []),
        *impossible,
        *cluster_problems(question.conditions, backend, found.version),
    ]
    if question.unenforced != "refuse":
        return backend, problems, open_ends
    remedy = "Use Kubernetes 1.30 or newer, or go without it by buildkeep_unenforced: accept"
    return backend, problems + [f"not enforced: {text} {remedy}." for text in open_ends], []


def look(cluster: Cluster, question: Question) -> Finding:
    """Look at a cluster before a run. Raises BuildkeepError when it does not answer."""
    body = cluster.client.request("GET", "/version", what="read the version").body
    text = str(body.get("gitVersion", ""))
    backend, problems, warnings = backend_problems(served(cluster, parse_version(body)), question)
    if backend is None:
        return Finding(text, None, [f"{problem} (Kubernetes {text})" for problem in problems], warnings)
    missing = rights_problems(cluster, needed_rights(question, backend))
    # Who lacks rights may be unable to look.
    return Finding(text, backend, [*problems, *(missing or namespace_problems(cluster, question.namespaces))], warnings)
