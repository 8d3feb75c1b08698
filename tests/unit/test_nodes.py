"""What an inventory says of nodes, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.policies import options_of
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.tenant_objects import canary_objects, tenant_objects

SELECTOR = "scheduler.alpha.kubernetes.io/node-selector"
TOLERATIONS = "scheduler.alpha.kubernetes.io/defaultTolerations"
OPENSHIFT = "openshift.io/node-selector"
ARCH = {"key": "kubernetes.io/arch", "operator": "Equal", "value": "amd64", "effect": "NoSchedule"}
NODES: dict[str, Any] = {
    "selector": {"node-role.kubernetes.io/worker": "", "pool": "ci"},
    "tolerations": [ARCH],
    "schedulers": ["fargate-scheduler"],
}


def of_nodes(settings: Settings) -> dict[str, dict[str, str]]:
    """What is said of nodes on each namespace."""
    found = [*tenant_objects(settings), canary_objects(settings)]
    keys = (SELECTOR, TOLERATIONS, OPENSHIFT)
    return {one["name"]: {key: one["annotations"][key] for key in keys if key in one["annotations"]} for one in found}


def test_nothing_is_written_where_nothing_is_said() -> None:
    """What an administrator wrote there stays theirs."""
    given: tuple[dict[str, Any] | None, ...] = (None, {}, {"selector": {}, "tolerations": []})
    for nodes in given:
        assert of_nodes(read_settings({"tenants": [{"name": "a"}], "nodes": nodes})) == {
            "a": {},
            "buildkeep-canary": {},
        }


def test_a_tenant_overrides_the_cluster_part_by_part() -> None:
    """The namespace of the canaries has the cluster's own."""
    own: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "b", "nodes": {"selector": {"pool": "b"}}},
        {"name": "c", "nodes": {"selector": {}, "tolerations": [{"key": "c"}]}},
    ]
    found = of_nodes(read_settings({"tenants": own, "nodes": NODES}))
    cluster = {SELECTOR: "node-role.kubernetes.io/worker=,pool=ci", TOLERATIONS: json.dumps([ARCH], sort_keys=True)}
    assert [{**one, TOLERATIONS: json.dumps(json.loads(one[TOLERATIONS]))} for one in found.values()] == [
        cluster,
        {**cluster, SELECTOR: "pool=b"},
        {TOLERATIONS: '[{"key": "c"}]'},
        cluster,
    ]


def test_openshift_adds_no_selector_of_its_own_unless_one_is_given() -> None:
    """An empty annotation stands in place of the cluster's default."""
    tenants = [{"name": "a"}, {"name": "b", "nodes": {"selector": {"pool": "b"}}}]
    found = of_nodes(read_settings({"tenants": tenants, "backend": "scc"}))
    assert found == {"a": {OPENSHIFT: ""}, "b": {SELECTOR: "pool=b"}, "buildkeep-canary": {OPENSHIFT: ""}}


def test_schedulers_reach_the_policies() -> None:
    """They are the same for all tenants."""
    assert options_of(read_settings({"nodes": NODES})).schedulers == ("fargate-scheduler",)
    assert options_of(read_settings({})).schedulers == ()


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ({"selector": {"pool": "a,b"}}, ['nodes.selector.pool: "a,b" is not of the right form', "quoted text"]),
        ({"selector": {"pool": "a=b"}}, ['nodes.selector.pool: "a=b" is not of the right form']),
        ({"selector": {"pool": True}}, ["nodes.selector.pool: true is not text", "quoted text"]),
        ({"selector": {"a,b=c": "x"}}, ['nodes.selector: "a,b=c" is no key of a label', "Write keys as"]),
        ({"selector": {"pool": "a=b", "a=b": "x"}}, ["nodes.selector.pool: ", 'nodes.selector: "a=b" is no key']),
        ({"selector": "pool=ci"}, ['nodes.selector: "pool=ci" is not a mapping', "such as `{pool: ci}`"]),
        ({"tolerations": [{"operator": "Exists"}]}, ["nodes.tolerations[0].key: is missing", "the key of one taint"]),
        ({"tolerations": [{"key": ""}]}, ['nodes.tolerations[0].key: "" is not of the right form']),
        ({"tolerations": [{"key": 'a"b'}]}, ["nodes.tolerations[0].key: "]),
        ({"tolerations": [{"key": "a", "operator": "Gt"}]}, ["is not one of: Equal, Exists"]),
        ({"tolerations": [{"key": "a", "effect": "Never"}]}, ["is not one of: NoSchedule, PreferNoSchedule"]),
        ({"tolerations": [{"key": "a", "operator": "Exists", "value": "b"}]}, ["beside the operator Exists"]),
        ({"tolerations": [{"key": "a"}, {"operator": "Equal", "key": "a"}]},
         ["nodes.tolerations[1]: says the same as tolerations[0]. List it once."]),
        ({"tolerations": ARCH}, ["nodes.tolerations: ", "is not a list"]),
        ({"selectors": {}}, ['nodes.selectors: unknown key (did you mean "selector"?)']),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(nodes: dict[str, Any], words: list[str]) -> None:
    """For the cluster, and for a tenant, by name."""
    for given, start in (
        ({"nodes": nodes}, "buildkeep_"),
        ({"tenants": [{"name": "a", "nodes": nodes}]}, 'buildkeep_tenants[0] (tenant "a"): '),
    ):
        with pytest.raises(BuildkeepError) as error:
            read_settings(given)
        text = "\n".join(error.value.problems)
        assert text.startswith(f"{start}nodes.")
        assert all(word in text for word in words), text
        assert len(error.value.problems) == len([word for word in words if word.startswith("nodes.")] or words[:1])


def test_schedulers_are_the_clusters_and_listed_once() -> None:
    """One policy holds for all tenants."""
    for given, words in (
        ({"nodes": {"schedulers": ["x", "x"]}}, 'buildkeep_nodes.schedulers: "x" is listed more than once'),
        ({"nodes": {"schedulers": ["x y"]}}, "Write names of schedulers"),
        ({"tenants": [{"name": "a", "nodes": {"schedulers": ["x"]}}]}, "nodes.schedulers: unknown key"),
    ):
        with pytest.raises(BuildkeepError) as error:
            read_settings(given)
        assert words in "\n".join(error.value.problems)
