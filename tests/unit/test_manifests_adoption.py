"""What is remembered of an object that somebody else made, and how it comes back."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils import manifests_adoption as adoption
from hypothesis import given
from hypothesis import strategies as st

Object = dict[str, Any]
BEFORE = "buildkeep.dev/before"
OURS = {"app.kubernetes.io/managed-by": "buildkeep", "buildkeep.dev/tenant": "shop"}
NAMES = st.sampled_from("abcde")
LEAVES = st.one_of(st.booleans(), st.integers(0, 3), st.lists(st.integers(0, 2), max_size=2))
OBJECTS = st.recursive(
    st.dictionaries(NAMES, LEAVES, max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAVES, inner), max_size=4),
)


def patched(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, word by word: the reference."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = patched(result.get(name), value)
    return result


def without_empty(value: Any) -> Any:
    """An empty mapping and none are the same to the API server."""
    if not isinstance(value, dict):
        return value
    inner = {name: without_empty(each) for name, each in value.items()}
    return {name: each for name, each in inner.items() if each != {}}


@given(OBJECTS, OBJECTS)
def test_undo_leads_back(live: Object, wanted: Object) -> None:
    changed = patched(live, wanted)
    back = patched(changed, adoption.undo(live, wanted))
    assert without_empty(back) == without_empty(live)


@given(OBJECTS, OBJECTS, OBJECTS)
def test_what_others_add_later_survives_undo(live: Object, wanted: Object, later: Object) -> None:
    theirs = {f"x-{name}": value for name, value in later.items()}
    changed = patched({**live, "m": {}}, {**wanted, "m": {"ours": 1}})
    changed["m"].update(theirs)
    back = patched(changed, adoption.undo(live, {**wanted, "m": {"ours": 1}}))
    assert back["m"] == theirs


def namespace(labels: Object, annotations: Object | None = None) -> Object:
    metadata = {"name": "n", "uid": "u", "labels": labels, "annotations": annotations or {}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def test_a_new_namespace_is_marked_as_made_by_us_and_stays_so() -> None:
    made = adoption.plan(None, namespace(OURS))
    assert made["metadata"]["annotations"] == {"buildkeep.dev/created": "true"}
    assert adoption.plan(made, namespace(OURS)) == made
    configmap = {**namespace(OURS), "kind": "ConfigMap"}
    assert adoption.plan(None, configmap) == configmap


def test_another_object_is_marked_and_nothing_of_it_remembered() -> None:
    wanted = {**namespace(OURS), "kind": "ConfigMap"}
    theirs = {**namespace({"a": "theirs"}, {BEFORE: "{}"}), "kind": "ConfigMap"}
    marked = adoption.plan(theirs, wanted)
    assert marked["metadata"]["annotations"] == {"buildkeep.dev/adopted": "true"}
    assert adoption.is_adopted(marked)
    assert adoption.remembered(theirs) is None
    assert adoption.plan(marked, wanted) == marked
    for kind in ("Role", "RoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"):
        assert adoption.plan({**theirs, "kind": kind}, {**wanted, "kind": kind}) == {**wanted, "kind": kind}
        assert not adoption.is_adopted({**marked, "kind": kind})


def test_an_object_without_our_labels_is_ours_by_its_field_manager() -> None:
    applied = {"manager": "buildkeep", "operation": "Apply"}
    found = {**namespace({}), "kind": "Role"}
    assert not adoption.is_ours(found)
    found["metadata"]["managedFields"] = [applied]
    assert adoption.is_ours(found)
    assert adoption.refusal(found, found) is None
    found["metadata"]["managedFields"] = [{**applied, "operation": "Update"}]
    assert not adoption.is_ours(found)
    assert "delete it" in (adoption.refusal(found, found) or "")
    assert adoption.refusal({**found, "kind": "ConfigMap"}, found) is None


def test_ours_without_a_memory_is_applied_as_wanted() -> None:
    assert adoption.plan(namespace(OURS), namespace({**OURS, "a": "1"})) == namespace({**OURS, "a": "1"})


def test_a_foreign_object_is_remembered_once() -> None:
    theirs = namespace({"a": "theirs", "same": "s", "app.kubernetes.io/managed-by": "Helm"})
    wanted = namespace({**OURS, "a": "ours", "b": "ours", "same": "s"})
    given_wanted = copy.deepcopy(wanted)
    first = adoption.plan(theirs, wanted)
    assert wanted == given_wanted
    memory = json.loads(first["metadata"]["annotations"][BEFORE])
    before = {"a": "theirs", "b": None, "app.kubernetes.io/managed-by": "Helm", "buildkeep.dev/tenant": None}
    assert memory == {"metadata": {"labels": before}}
    # The second run reads what the first made: nothing new to remember.
    assert adoption.plan(first, wanted) == first


def test_a_value_that_we_want_no_more_becomes_theirs_again() -> None:
    first = adoption.plan(namespace({"a": "theirs"}), namespace({**OURS, "a": "ours", "b": "ours"}))
    second = adoption.plan(first, namespace(OURS))
    assert second["metadata"]["labels"] == {**OURS, "a": "theirs"}
    assert json.loads(second["metadata"]["annotations"][BEFORE])["metadata"]["labels"]["a"] == "theirs"


def test_restoring_names_the_very_object_and_forgets_us() -> None:
    first = adoption.plan(namespace({"a": "theirs"}), namespace({**OURS, "a": "ours"}))
    first["metadata"]["uid"] = "u"
    patch = adoption.restoring(first)
    assert patch["metadata"]["uid"] == "u"
    back = patched(first, patch)
    assert without_empty(back) == without_empty(namespace({"a": "theirs"}))


def test_a_memory_that_cannot_be_read_still_means_that_it_is_not_ours() -> None:
    for text in ("{oops", "[]", "{}", '{"metadata": 1}', '{"metadata": {"labels": "x"}, "spec": {}}'):
        assert adoption.remembered(namespace(OURS, {BEFORE: text})) == {"metadata": {}}
    assert adoption.remembered(namespace(OURS)) is None


def test_a_memory_is_believed_beside_the_tenant_label_and_about_texts_only() -> None:
    text = json.dumps({"spec": {}, "metadata": {"labels": {"a": None, "b": "x", "c": 1}, "finalizers": []}})
    assert adoption.remembered(namespace(OURS, {BEFORE: text})) == {"metadata": {"labels": {"a": None, "b": "x"}}}
    assert adoption.remembered(namespace({"app.kubernetes.io/managed-by": "buildkeep"}, {BEFORE: text})) is None


def test_bare_names_the_very_object_and_nothing_else() -> None:
    live = {**namespace(OURS), "spec": {"finalizers": ["kubernetes"]}}
    assert adoption.bare(live) == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "uid": "u"}}
