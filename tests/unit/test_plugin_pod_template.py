"""What a pod template of the Kubernetes plugin inherits, and which attributes are supported."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod_template import Template, read_template, unwrap


def template(name: str = "x", **attributes: Any) -> Template:
    """A template as JCasC writes it."""
    return read_template({"name": name, **attributes}, name)


# (attribute, the parent's value, the child's, what comes out)
MERGES: list[tuple[str, Any, Any, Any]] = [
    ("serviceAccount", "agent", "builder", "builder"),
    ("serviceAccount", "agent", "", "agent"),
    ("namespace", "ci-a", None, "ci-a"),
    ("namespace", "ci-a", "ci-b", "ci-b"),
    ("label", "a", "b", "b"),
    ("label", "a", None, ""),
    ("nodeSelector", "a=1", "b=2", "b=2"),
    ("activeDeadlineSeconds", 60, 0, 60),
    ("activeDeadlineSeconds", 60, 90, 90),
    ("runAsUser", "1000", "0", 0),
    ("runAsUser", "1000", None, 1000),
    ("hostNetwork", True, False, False),
    ("hostNetwork", True, None, True),
    ("showRawYaml", False, True, False),
    ("nodeUsageMode", "NORMAL", None, "EXCLUSIVE"),
    ("instanceCapStr", "3", None, 3),
    (
        "workspaceVolume",
        {"emptyDirWorkspaceVolume": {"memory": True}},
        None,
        {"symbol": "emptyDirWorkspaceVolume", "memory": True, "sizeLimit": None},
    ),
    # What stands in the parent decides whether the strategy is handed on, not the child's own word.
    ("inheritYamlMergeStrategy", True, False, True),
    ("inheritYamlMergeStrategy", False, True, False),
]
SPELLING = {"instanceCapStr": "instanceCap"}


@pytest.mark.parametrize(("attribute", "parents", "childs", "wanted"), MERGES)
def test_one_attribute(attribute: str, parents: Any, childs: Any, wanted: Any) -> None:
    parent = template("parent", **{attribute: parents})
    merged = unwrap(template(inheritFrom="parent", **{attribute: childs}), "", [parent])
    assert merged[SPELLING.get(attribute, attribute)] == wanted


# (the parent's strategy, whether it hands it on, the child's, what counts)
STRATEGIES = [
    ("merge", True, None, "merge"),
    ("merge", False, None, None),
    ("merge", True, "override", "override"),
    ("override", True, "merge", "merge"),
    (None, True, None, None),
]


@pytest.mark.parametrize(("parents", "handed_on", "childs", "wanted"), STRATEGIES)
def test_the_merge_strategy(parents: str | None, handed_on: bool, childs: str | None, wanted: str | None) -> None:
    parent = template("parent", yamlMergeStrategy=parents, inheritYamlMergeStrategy=handed_on)
    assert unwrap(template(inheritFrom="parent", yamlMergeStrategy=childs), "", [parent])["yamlMergeStrategy"] == wanted


def test_a_strategy_is_lost_where_the_defaults_do_not_hand_it_on() -> None:
    builder = template("builder", yamlMergeStrategy="merge", inheritYamlMergeStrategy=True)
    child = template(inheritFrom="builder", yaml="spec: {}")
    silent, speaking = template("defaults"), template("defaults", inheritYamlMergeStrategy=True)
    assert unwrap(child, "defaults", [silent, builder])["yamlMergeStrategy"] is None
    assert unwrap(child, "defaults", [speaking, builder])["yamlMergeStrategy"] == "merge"


def test_the_defaults_come_first_then_the_parents_from_left_to_right() -> None:
    known = [
        template("defaults", yaml="0"),
        template("a", yaml="1", inheritFrom="root"),
        template("b", yaml="2"),
        template("root", yaml="3"),
    ]
    assert unwrap(template(yaml="4", inheritFrom="a  b nowhere"), "defaults", known)["yamls"] == [
        "0",
        "3",
        "1",
        "2",
        "4",
    ]
    assert unwrap(template(yaml="4"), "defaults", known)["yamls"] == ["0", "4"]
    assert unwrap(template(yaml="4"), "", known)["yamls"] == ["4"]


def test_containers_meet_by_name() -> None:
    parent = template("parent", containers=[{"name": "jnlp", "image": "a", "runAsUser": "1000", "privileged": True}])
    child = template(
        inheritFrom="parent", containers=[{"name": "jnlp", "image": "c", "command": "x"}, {"name": "b", "image": "b"}]
    )
    jnlp, other = unwrap(child, "", [parent])["containers"]
    assert (jnlp["image"], jnlp["command"], jnlp["runAsUser"], jnlp["privileged"]) == ("c", "x", 1000, True)
    assert other["image"] == "b"


def test_a_childs_annotation_wins() -> None:
    parent = template("parent", annotations=[{"key": "a", "value": "1"}, {"key": "b", "value": "1"}])
    child = template(inheritFrom="parent", annotations=[{"key": "a", "value": "2"}])
    found = {item["key"]: item["value"] for item in unwrap(child, "", [parent])["annotations"]}
    assert found == {"a": "2", "b": "1"}


def test_what_is_not_supported_is_named() -> None:
    with pytest.raises(BuildkeepError) as caught:
        template(nodeProperties=[], remoteFs="/")
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "x.nodeProperties: not supported",
        "x.remoteFs: not supported",
    ]
    with pytest.raises(BuildkeepError, match=r"x\.containers\[0\]\.readinessProbe: not supported; supported: .*image"):
        template(containers=[{"name": "a", "image": "b", "readinessProbe": {}}])
    with pytest.raises(
        BuildkeepError, match=r"x\.yamlMergeStrategy: 'mix' is not supported; supported: override, merge"
    ):
        template(yamlMergeStrategy="mix")
