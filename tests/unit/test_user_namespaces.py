"""Whether builders get user namespaces: by inventory, version, nodes, and what probes of nodes said."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces import answer, groups_of, verdict
from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces_probe import judge

Object = dict[str, Any]
NEW = (1, 37)


def settings(*builders: str, **more: Any) -> Settings:
    return read_settings({"tenants": [{"name": "shop", "builders": list(builders or ("kaniko",))}], **more})


def node(name: str, kernel: str = "6.18", labels: Object | None = None, ready: str = "True") -> Object:
    info = {"kernelVersion": kernel, "kubeletVersion": "v1.37.1", "osImage": "Debian"}
    info["containerRuntimeVersion"] = "containerd://2.4"
    status = {"nodeInfo": info, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name, "labels": labels or {}}, "spec": {}, "status": status}


ONE = [node("a")]
KIND = "Linux 6.18, containerd://2.4, kubelet v1.37.1, Debian"
KEY = groups_of(settings(), ONE)[0].kind.key


def test_nodes_of_one_kind_are_one_group() -> None:
    nodes = [node("b"), node("c", kernel="5.10"), node("a"), node("d", ready="False")]
    assert sorted(group.nodes for group in groups_of(settings(), nodes)) == [("a", "b"), ("c",)]


def test_only_nodes_that_such_builders_can_land_on_count() -> None:
    tenants = [
        {"name": "a", "builders": ["kaniko"], "nodes": {"selector": {"pool": "a"}}},
        {"name": "b", "builders": ["buildkit"], "nodes": {"selector": {"pool": "b"}}},
    ]
    nodes = [node("a", labels={"pool": "a"}), node("b", kernel="5.10", labels={"pool": "b"})]
    assert [group.nodes for group in groups_of(read_settings({"tenants": tenants}), nodes)] == [("a",)]


@pytest.mark.parametrize(
    ("given", "version", "nodes", "record", "why"),
    [
        (settings(user_namespaces="never"), NEW, ONE, {}, "kaniko runs without a user namespace because buildkeep"),
        (settings(), (1, 29), ONE, {}, "because Kubernetes 1.29 has none, or as an alpha only; 1.30 is the first"),
        (settings(backend="psa"), NEW, ONE, {}, "because nothing would fence the pods that ask nodes"),
        (settings(), NEW, [], {}, "because there is no node yet that they can land on"),
        (settings("kaniko", "buildah"), NEW, ONE, {}, "kaniko, buildah run without a user namespace because nobody"),
        (settings(), NEW, ONE, {KEY: "too old"}, f"because on a ({KIND}): too old"),
        (settings("buildkit"), NEW, ONE, {KEY: ""}, "no builder of a tenant can use a user namespace"),
    ],
)
def test_the_fallback_says_why(
    given: Settings, version: tuple[int, int], nodes: list[Object], record: dict[str, str], why: str
) -> None:
    found = answer(given, version, nodes, record)
    assert not found.supported and why in found.reason, found.reason


def test_one_kind_of_node_does_not_speak_for_another() -> None:
    """All of them, or none: a template is the same wherever its pod lands."""
    nodes = [node("a"), node("b"), node("c", kernel="5.10")]
    half = answer(settings(), NEW, nodes, {KEY: ""})
    assert not half.supported and [group.nodes for group in half.unproven] == [("c",)]
    other = next(group for group in groups_of(settings(), nodes) if group.nodes == ("c",)).kind.key
    refused = answer(settings(), NEW, nodes, {KEY: "", other: "no idmap"})
    assert not refused.supported and "on c (Linux 5.10" in refused.reason and refused.unproven == ()
    both = answer(settings(), NEW, nodes, {KEY: "", other: ""})
    assert both.supported and "kaniko runs in user namespaces, proven on " in both.reason
    assert "a and 1 like it (Linux 6.18" in both.reason and "c (Linux 5.10" in both.reason


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        ("         0 2305228800      65536\n", ""),
        ("0 131072 131072", ""),
        ("         0          0 4294967295\n", "as if hostUsers were true (its map of users: 0 0 4294967295)"),
        # A node that itself runs in a user namespace, without root.
        ("0 1000 1\n1 100000 65536\n", "as if hostUsers were true"),
        ("0 1000 1", "as if hostUsers were true"),
        # Ranges that no kubelet gives.
        ("0 131072 65536\n65536 262144 65536", "as if hostUsers were true"),
        ("1000 131072 65536", "as if hostUsers were true"),
        ("0 131072 65537", "as if hostUsers were true"),
        ("0 131072 32768", "as if hostUsers were true"),
        ("", "the probe printed no map of users: nothing"),
        ("cat: can't open", "the probe printed no map of users: cat: can't open"),
    ],
)
def test_a_map_of_users_is_a_pods_own_or_not(log: str, shown: str) -> None:
    assert (verdict(log) == "") == (shown == "")
    assert shown in verdict(log)


def event(message: str) -> Object:
    return {"type": "Warning", "reason": "FailedCreatePodSandBox", "message": message}


def state(**of_container: Any) -> Object:
    return {"containerStatuses": [{"state": of_container}]}


FAILED = {"phase": "Failed"}
OLDER = "Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces"


@pytest.mark.parametrize(
    ("status", "events", "shown", "final"),
    [
        ({}, [event(OLDER)], "does not support", True),
        ({}, [event("idmap mount not supported on tmpfs")], "idmap", True),
        ({}, [event("network is not ready")], "network is not ready", False),
        ({}, [{"type": "Normal", "message": "Pulling image"}], "", False),
        (state(waiting={"message": "mount_setattr: invalid argument"}), [], "mount_setattr", True),
        ({**FAILED, "message": "was active longer than allowed"}, [], "the probe failed: was active", True),
        ({**FAILED, **state(terminated={"message": "touch: /scratch/x: denied"})}, [], "/scratch/x", True),
        (FAILED, [], "the probe failed: no reason given", True),
    ],
)
def test_a_probe_that_cannot_end_is_told_from_one_that_needs_time(
    status: Object, events: list[Object], shown: str, final: bool
) -> None:
    words, ended = judge(status, events)
    assert shown in words and ended is final
