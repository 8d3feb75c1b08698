"""Which RoleBindings to a ClusterRole are a backend's own."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.preflight_bindings import belongs
from ansible_collections.buildkeep.ci.plugins.module_utils.psp import psp_bindings
from ansible_collections.buildkeep.ci.plugins.module_utils.scc import scc_bindings


@pytest.mark.parametrize("maker", [psp_bindings, scc_bindings])
def test_a_backends_own_belong_and_none_that_only_looks_like_one(maker: type) -> None:
    made = maker("ci-shop", "shop", ["kaniko"])
    assert len(made) >= 2
    for binding in made:
        assert belongs(binding)
        other = copy.deepcopy(binding)
        other["subjects"][0]["name"] = "system:authenticated"
        assert not belongs(other)
        wider = copy.deepcopy(binding)
        wider["roleRef"]["name"] = "cluster-admin"
        assert not belongs(wider)
        elsewhere = copy.deepcopy(binding)
        elsewhere["metadata"]["name"] = "team"
        assert not belongs(elsewhere)
