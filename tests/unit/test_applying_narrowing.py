"""What a change takes away is remembered in the object itself, until it is known to be refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import policies
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_narrowing import (
    entries_of,
    marked,
    narrowed,
    pending,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.applying_replacing import body_of
from ansible_collections.buildkeep.ci.plugins.module_utils.manifests import own
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

Object = dict[str, Any]
MARK = "buildkeep.dev/narrowed"


def namespace(labels: bool = True, /, **notes: str) -> Object:
    annotations = {f"buildkeep.dev/{key.replace('_', '-')}": value for key, value in notes.items()}
    found = {"buildkeep.dev/tenant": "shop"} if labels else {}
    return {"kind": "Namespace", "metadata": {"name": "ci-shop", "labels": found, "annotations": annotations}}


def policy(*images: str, name: str = "buildkeep-pods") -> Object:
    built = policies.build_policies(load_profiles(), images, {"namespace": "jenkins", "serviceAccount": "jenkins"})
    return own([one for one in built if one["metadata"]["name"] == name], "pod_security")[0]


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ({"images": "a/,b/c"}, {"images": "b/c"}, {"images": ["a/"]}),
        ({"images": " a/ , b/c,"}, {"images": ""}, {"images": ["a/", "b/c"]}),
        ({"images": "a/"}, {"images": "a/,b/"}, {}),
        ({"builders": "kaniko"}, {"builders": ""}, {"builders": ["kaniko"]}),
        ({"csi_drivers": "x.y", "claims": "c"}, {}, {"claims": ["c"], "csi-drivers": ["x.y"]}),
        ({"secrets": "s"}, {}, {"secrets": ["s"]}),
        ({"templates": "any"}, {"templates": "static"}, {"templates": ["any"]}),
        ({}, {"templates": "static"}, {"templates": ["any"]}),
        ({"templates": "static"}, {"templates": "any"}, {}),
        # From a run that died: carried over, but for what is given again.
        ({"narrowed": '{"images": ["x/", "y/"]}', "images": "a/"}, {"images": "y/"}, {"images": ["a/", "x/"]}),
        ({"narrowed": '{"images": ["x/"]}'}, {"images": "x/"}, {}),
        ({"narrowed": "no JSON"}, {}, {}),
        ({"narrowed": '["x/"]'}, {}, {}),
        ({"narrowed": '{"images": "x/", "builders": ["kaniko", 1]}'}, {}, {"builders": ["kaniko"]}),
    ],
)  # fmt: skip
def test_what_a_namespace_lost(old: dict[str, str], new: dict[str, str], lost: dict[str, list[str]]) -> None:
    assert narrowed(namespace(**old), namespace(**new)) == lost


def test_a_namespace_of_others_gave_nothing() -> None:
    """What stands there may have been written by anybody."""
    assert narrowed(namespace(False, images="a/"), namespace()) == {}
    assert narrowed(None, namespace()) == {}
    assert pending(namespace(False, narrowed='{"images": ["a/"]}')) == {}


def test_what_the_policy_about_pods_lost() -> None:
    before, after = policy("ghcr.io/acme/", "quay.io/x/y"), policy("quay.io/x/y")
    assert {"ghcr.io/acme/", "quay.io/x/y"} <= set(entries_of(before))
    assert narrowed(before, after) == {"images": ["ghcr.io/acme/"]}
    assert narrowed(after, before) == {}
    assert narrowed(policy(name="buildkeep-exec"), policy(name="buildkeep-exec")) == {}


def test_the_mark_goes_with_the_change_and_stays_until_it_is_settled() -> None:
    before, after = policy("ghcr.io/acme/"), policy()
    change = body_of(before, marked(after, narrowed(before, after)))
    assert json.loads(change["metadata"]["annotations"][MARK]) == {"images": ["ghcr.io/acme/"]}
    # The next run wants the same, and finds the mark of the one that died.
    again = body_of(change, marked(after, narrowed(change, after)))
    assert again["metadata"]["annotations"] == change["metadata"]["annotations"]
    assert MARK not in body_of(again, after)["metadata"]["annotations"]


def test_nothing_lost_leaves_no_mark() -> None:
    given = namespace(images="a/")
    assert marked(given, {}) is given
