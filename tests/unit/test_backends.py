"""Which backend is chosen for what a cluster serves."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import (
    Backend,
    Served,
    as_mapping,
    backend_of,
    choose,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        (Served((1, 37), policies=True, mutations=True), Backend("admission", True, True, mutations=True)),
        (Served((1, 30), policies=True, kyverno=True), Backend("admission", True, True)),
        (Served((1, 33), policies=True, scc=True), Backend("scc", True, True)),
        (Served((1, 27), scc=True), Backend("scc", False, True)),
        (Served((1, 24), psp=True), Backend("psp", False, True)),
        (Served((1, 22), psp=True, gatekeeper=True), Backend("psp", False, False, "gatekeeper")),
        (Served((1, 27)), Backend("psa", False, True)),
        (Served((1, 27), kyverno=True, gatekeeper=True), Backend("psa", False, True, "kyverno")),
        # Policies may be switched off on a new server; what is not served cannot be used.
        (Served((1, 37)), Backend("psa", False, True)),
    ],
)
def test_the_strongest_that_is_served_is_chosen(found: Served, chosen: Backend) -> None:
    assert choose(found) == chosen


def test_a_weaker_one_can_be_wanted_where_it_is_served() -> None:
    found = Served((1, 33), policies=True, scc=True)
    assert choose(found, "admission") == Backend("admission", True, True)
    assert choose(found, "psa") == Backend("psa", False, True)


@pytest.mark.parametrize("wanted", ["admission", "scc", "psp"])
def test_one_that_is_not_served_is_refused_with_those_that_are(wanted: str) -> None:
    with pytest.raises(BuildkeepError) as caught:
        choose(Served((1, 28)), wanted)
    (problem,) = caught.value.problems
    assert problem.startswith(f"buildkeep_backend: {wanted}: the cluster ")
    assert problem.endswith("write one of those that it has: psa")


def test_a_cluster_that_can_enforce_nothing_is_refused() -> None:
    with pytest.raises(BuildkeepError, match="nothing can be enforced"):
        choose(Served((1, 21)))


def test_it_travels_through_a_play_as_plain_data() -> None:
    backend = Backend("psp", False, True, "kyverno")
    assert backend_of(as_mapping(backend)) == backend


@pytest.mark.parametrize(
    ("name", "policies"), [("auto", True), ("admission", True), ("scc", True), ("psp", False), ("psa", False)]
)
def test_a_name_alone_stands_for_the_newest_of_its_kind(name: str, policies: bool) -> None:
    backend = backend_of(name)
    assert (backend.name, backend.policies) == ("admission" if name == "auto" else name, policies)
