"""Waits until an API server answers by the policies that it was just given.

It looks once a second, compiles what has another resourceVersion, and then publishes all policies and bindings together
(apiserver, pkg/admission/plugin/policy/generic/policy_source.go). So a policy and a binding that were written last, the
witness, say when everything before them is in force.

Before Kubernetes 1.36, compiling a policy with `variables` ends the whole API server if it judges a request by
variables of any policy at that moment (kubernetes/kubernetes#135757). The witness has none: asking it is safe, and
nothing else is sent meanwhile.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection
from functools import partial

from ansible_collections.buildkeep.ci.plugins.module_utils.canaries_walls import says
from ansible_collections.buildkeep.ci.plugins.module_utils.client import THREADS
from ansible_collections.buildkeep.ci.plugins.module_utils.client_errors import ApiError
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import Cluster, parallel
from ansible_collections.buildkeep.ci.plugins.module_utils.client_waiting import patiently, pause
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import Object, key_of, own
from ansible_collections.buildkeep.ci.plugins.module_utils.names import (
    ADMISSION_API,
    FIELD_MANAGER,
    LABEL_WITNESS,
    WITNESS_PREFIX,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight import parse_version

POLICY, BINDING = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
KINDS = frozenset({POLICY, BINDING})
FIXED = (1, 36)
# Of compiling, and of an API server that has to start again.
SETTLE_SECONDS = 120.0
# Of kube-controller-manager, whose check of one policy takes seconds where it matches many kinds.
CHECK_SECONDS = 120.0
POLL_SECONDS = 0.25
CHECK_POLL_SECONDS = 1.0
# The witness is asked about a kind that everybody who runs a role may create, and no policy of ours is about.
_ASKED = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}


def settle(cluster: Cluster, owner: str, written: Collection[str], check: bool = False) -> list[str]:
    """Waits until the API server answers by all policies and bindings that were written before.

    Args:
        cluster: where they were written.
        owner: the role that wrote them.
        written: the names of those policies that were made or changed.
        check: they were not: only say what the change would bring.

    Returns:
        Sentences for the user.

    Raises:
        BuildkeepError: it does not answer by them. ApiError: the witness cannot be made. Unreachable: it went away.
    """
    version = parse_version(cluster.client.request("GET", "/version", what="read the version").body)
    notes = [warning(version, written, check)] if version < FIXED and written else []
    if check:
        return notes
    if version < FIXED:
        notes += _wait_for_type_check(cluster, written)
    _witness(cluster, owner)
    return notes


def warning(version: tuple[int, int], written: Collection[str], check: bool) -> str:
    """What a change of policies can do to an API server of this version."""
    named = ", ".join(sorted(written))
    return (
        f"policies that {'would change' if check else 'changed'}: {named}. Before Kubernetes 1.36 (this is "
        f"{version[0]}.{version[1]}) an API server can end when somebody uses a tenant while it reads changed "
        "policies (kubernetes/kubernetes#135757). It starts again by itself, and this run can be repeated; change "
        "policies when few builds run, or upgrade to 1.36"
    )


def witness(name: str, owner: str) -> list[Object]:
    """A policy and its binding that together refuse one dry run: that of `request_of(name)`."""
    only = {"objectSelector": {"matchLabels": {LABEL_WITNESS: name}}}
    rule = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["clusterroles"],
    }
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule], **only},
        "validations": [{"expression": "false", "message": f"[witness] {name}"}],
    }
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": only}
    made = [(POLICY, policy), (BINDING, binding)]
    return own(
        [{"apiVersion": ADMISSION_API, "kind": kind, "metadata": {"name": name}, "spec": spec} for kind, spec in made],
        owner,
    )


def request_of(name: str) -> Object:
    """A ClusterRole that gives nothing."""
    return {**_ASKED, "metadata": {"name": name, "labels": {LABEL_WITNESS: name}}, "rules": []}


def _witness(cluster: Cluster, owner: str) -> None:
    # A name of its own each time: what an earlier run left behind says nothing about this one.
    name = f"{WITNESS_PREFIX}{secrets.token_hex(4)}"
    made: list[Object] = []
    end = time.monotonic() + SETTLE_SECONDS
    try:
        for item in witness(name, owner):
            made.append(item)
            patiently(cluster, partial(_create, cluster, item), end)
        # The pool keeps a connection for each thread: behind a balancer they may end at different API servers.
        for connections in (1, THREADS):
            patiently(cluster, partial(_wait_refused, cluster, name, connections, end), end)
    finally:
        for item in reversed(made):
            patiently(cluster, partial(_delete, cluster, item), end)


def _create(cluster: Cluster, item: Object) -> None:
    path = cluster.resource(item["apiVersion"], item["kind"]).path()
    query = {"fieldManager": FIELD_MANAGER}
    try:
        cluster.client.request("POST", path, item, query=query, what=f"create {key_of(item)}")
    except ApiError as error:
        if error.status != 409:  # made by an attempt whose answer was lost
            raise


def _delete(cluster: Cluster, item: Object) -> None:
    path = cluster.resource(item["apiVersion"], item["kind"]).path(name=item["metadata"]["name"])
    try:
        cluster.client.request("DELETE", path, what=f"delete {key_of(item)}")
    except ApiError as error:
        if error.status != 404:
            raise


def _wait_refused(cluster: Cluster, name: str, connections: int, end: float) -> None:
    """Raises BuildkeepError when it is not refused in time on so many connections at once."""
    while True:
        said = parallel(lambda _: _said(cluster, name), range(connections))
        other = [text for text in said if not says(name, "witness", text)]
        if not other:
            return
        if time.monotonic() >= end:
            became = f"answered by {other[0]}" if other[0] else "admitted"
            raise BuildkeepError(
                [
                    f"the API server does not answer by policies that it was given {SETTLE_SECONDS:.0f} s ago (the dry "
                    f"run of a ClusterRole, which {name} refuses, was {became}); see that its admission plugin "
                    "ValidatingAdmissionPolicy is on, and that no webhook of others stops that dry run"
                ]
            )
        pause(POLL_SECONDS)


def _said(cluster: Cluster, name: str) -> str:
    """The words of the refusal, or nothing."""
    path = cluster.resource(_ASKED["apiVersion"], _ASKED["kind"]).path()
    try:
        cluster.client.request("POST", path, request_of(name), query={"dryRun": "All"}, what="ask the witness")
    except ApiError as error:
        return error.server_message
    return ""


def _wait_for_type_check(cluster: Cluster, written: Collection[str]) -> list[str]:
    """Waits until kube-controller-manager has written the status of each changed policy.

    It does so once for each generation, up to half a minute later, and the API server compiles the policy once more
    (pkg/controller/validatingadmissionpolicystatus/controller.go). Where nobody writes them, there is nothing to wait
    for: a status that is already there tells, or another trace of that controller.
    """
    end = time.monotonic() + CHECK_SECONDS
    left = patiently(cluster, partial(_unchecked, cluster, written), end)
    if len(left) == len(written) and not _has_controller_manager(cluster):
        return []
    while left and time.monotonic() < end:
        pause(CHECK_POLL_SECONDS)
        left = patiently(cluster, partial(_unchecked, cluster, left), end)
    if not left:
        return []
    return [
        f"kube-controller-manager has not checked {', '.join(left)} within {CHECK_SECONDS:.0f} s; when it does, the "
        "API server reads them once more"
    ]


def _unchecked(cluster: Cluster, names: Collection[str]) -> list[str]:
    """Those of the policies whose newest generation has no status yet."""
    resource = cluster.resource(ADMISSION_API, POLICY)
    found = parallel(lambda name: cluster.get(resource, "", name), names)
    return sorted(item["metadata"]["name"] for item in found if item is not None and not _is_checked(item))


def _is_checked(policy: Object) -> bool:
    seen = int((policy.get("status") or {}).get("observedGeneration") or 0)
    return seen >= int(policy["metadata"].get("generation") or 1)


def _has_controller_manager(cluster: Cluster) -> bool:
    """Whether it has put the cluster's certificate into a namespace, as it does into each (RootCAConfigMap)."""
    try:
        return cluster.get(cluster.resource("v1", "ConfigMap"), "kube-system", "kube-root-ca.crt") is not None
    except ApiError:  # who may not look waits, which has an end
        return True
