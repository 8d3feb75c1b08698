"""Rendering, labelling, comparing and showing of objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import manifests
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from hypothesis import given
from hypothesis import strategies as st

ITEM: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}
# What YAML could mistake or refuse, besides what hypothesis thinks of.
TEXTS = st.one_of(
    st.text(), st.sampled_from(["y", "on", "1", "~", "{{ x }}", "a: b # c", "\x7f\x85\u2028\ufeff", "😀"])
)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)


@given(PLAIN)
def test_to_json_is_yaml_that_means_the_same(value: Any) -> None:
    text = manifests.to_json(value)
    assert "\n" not in text
    assert yaml.safe_load(f"key: {text}") == {"key": value}
    (item,) = manifests.parse(f"{{apiVersion: v1, kind: X, metadata: {{name: x}}, key: {text}}}", "test")
    assert item["key"] == value


@given(TEXTS)
def test_a_cel_text_is_a_json_text(text: str) -> None:
    assert json.loads(manifests.to_cel(text)) == text


def test_cel_literals() -> None:
    assert manifests.to_cel(["a", 'b"', True, 2]) == r'["a", "b\"", true, 2]'


def write(folder: Path, **texts: str) -> list[str]:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in texts]


def test_each_template_is_rendered_for_each_mapping(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: {{ kind }}\nmetadata: {name: {{ name | to_json }}}\n"
    paths = write(tmp_path, one=text, two=f"{text}---\n{text}---\n")
    found = manifests.render(paths, {"kind": "Namespace", "name": "default"}, [{"name": "y"}, {"kind": "Pod"}])
    assert [(item["kind"], item["metadata"]["name"]) for item in found] == [
        ("Namespace", "y"), ("Pod", "default"),
        ("Namespace", "y"), ("Namespace", "y"), ("Pod", "default"), ("Pod", "default"),
    ]  # fmt: skip
    assert len(manifests.render(paths[:1], {"kind": "Namespace", "name": "x"}, None)) == 1
    assert manifests.render(paths[:1], {}, []) == []


def test_all_that_is_wrong_with_templates_is_said_at_once(tmp_path: Path) -> None:
    paths = write(
        tmp_path, unknown="a: {{ nme }}", syntax="{% if %}", broken="a: [", number="a: {{ 1 + 'x' }}",
        name="{apiVersion: v1, kind: Pod, metadata: {name: on, namespace: 1}}", listed="[1]",
    )  # fmt: skip
    with pytest.raises(BuildkeepError) as caught:
        manifests.render([*paths, str(tmp_path / "missing")], {}, [{"x": 1}])
    problems = caught.value.problems
    expected = [
        "'nme' is undefined; give the variable", "Expected an expression", "not YAML", "TypeError",
        "metadata.name, metadata.namespace must be", "this is a list", "No such file",
    ]  # fmt: skip
    for path, words in zip([*paths, str(tmp_path / "missing")], expected, strict=True):
        assert any(path in problem and words in problem for problem in problems), (words, problems)
    assert len(problems) == len(expected)
    assert f"template {paths[0]}, each[0]: " in problems[0] + problems[1]


def test_labels_say_who_made_it_and_what_was_given_stays_as_it_was() -> None:
    given_item = {**ITEM, "metadata": {**ITEM["metadata"], "labels": {"x": "y"}}}
    (made,) = manifests.own([given_item], "tenants")
    assert made["metadata"]["labels"] == {
        "x": "y", "app.kubernetes.io/managed-by": "buildkeep", "buildkeep.dev/role": "tenants",
    }  # fmt: skip
    assert given_item["metadata"]["labels"] == {"x": "y"}
    with pytest.raises(BuildkeepError, match="ConfigMap n/a is given twice"):
        manifests.own([ITEM, ITEM], "tenants")


def test_what_the_server_writes_does_not_count() -> None:
    server = {"resourceVersion": "1", "uid": "u", "managedFields": [], "generation": 2, "creationTimestamp": "t"}
    live = {**ITEM, "metadata": {**ITEM["metadata"], **server}, "status": {"phase": "Active"}}
    assert manifests.comparable(live) == ITEM
    assert manifests.comparable({**live, "data": {"k": "v"}}) != ITEM


def test_a_diff_shows_lines_and_hides_secrets() -> None:
    key = manifests.key_of(ITEM)
    shown = manifests.difference(key, None, {**ITEM, "data": {"f": "one\ntwo\n"}})
    assert shown["before"] == ""
    assert "  f: |\n    one\n    two\n" in shown["after"]

    secret = {**ITEM, "kind": "Secret", "metadata": {**ITEM["metadata"], "annotations": {"last": "hunter2"}}}
    key = manifests.key_of(secret)
    before, after = ({**secret, "data": {"p": value}, "stringData": {"q": value}} for value in ("hunter2", "hunter3"))
    shown = manifests.difference(key, before, after)
    assert "hunter" not in json.dumps(shown)
    assert shown["before"] != shown["after"]
