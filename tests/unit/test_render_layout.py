"""Where objects go: no two in one place, whatever their names."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import render_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.render_layout import files, object_path
from ansible_collections.buildkeep.ci.plugins.module_utils.render_objects import Wave, waves
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from hypothesis import given
from hypothesis import strategies as st

# RBAC takes any name that can be part of a path (kubernetes, pkg/apis/rbac/validation).
_NAMES = st.text(alphabet="aAbB:_-.50é\u0180\x18", min_size=1, max_size=6)


def item(kind: str = "Role", namespace: str = "", name: str = "x", api: str = "v1") -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("one", "path"),
    [
        (item("ClusterRole", name="buildkeep:psp:agent"), "clusterrole-buildkeep_3apsp_3aagent.yaml"),
        (item("Role", "ci-shop", "buildkeep-controller"), "ci-shop/role-buildkeep-controller.yaml"),
        (item("Namespace", name="ci-shop"), "ci-shop/namespace-ci-shop.yaml"),
    ],
)
def test_the_place_of_an_object(one: dict[str, Any], path: str) -> None:
    assert str(object_path(one)) == path


@given(_NAMES, _NAMES)
def test_two_names_are_two_files_also_where_case_does_not_count(first: str, second: str) -> None:
    paths = {str(object_path(item(name=name))).lower() for name in (first, second)}
    assert len(paths) == len({first, second})
    assert all(path.count("/") == 0 and path.isascii() for path in paths)


def test_two_objects_are_never_one_file() -> None:
    wave = Wave("00-policies", (item(api="a/v1"), item(api="b/v1")))
    with pytest.raises(BuildkeepError, match=r"00-policies/role-x\.yaml: .* rename one"):
        files([wave])


def test_a_secret_is_never_rendered() -> None:
    """Not even where the chart had one: what is in a repository is known to all who read it."""
    chart = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "jenkins"}}'
    with pytest.raises(BuildkeepError, match="Secret jenkins/x: a Secret is never written"):
        waves(read_settings({"tenants": [{"name": "shop"}]}), chart)


def test_what_two_roles_make_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings({"tenants": [{"name": "shop"}]})
    twice = item("Namespace", name="ci-shop")
    monkeypatch.setattr(render_objects, "tenant_bindings", lambda _: [])
    monkeypatch.setattr(render_objects, "pod_security_objects", lambda *_: [twice])
    with pytest.raises(BuildkeepError, match="Namespace ci-shop is made by two roles"):
        waves(settings, "")
