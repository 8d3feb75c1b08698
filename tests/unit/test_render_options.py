"""The variables about rendering: every fault is found, and none is guessed away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import backends
from ansible_collections.buildkeep.ci.plugins.module_utils.render_options import (
    NEWEST,
    option_problems,
    read_options,
    split,
)

GOOD = {"render_directory": "~/out"}


def test_they_are_parted_from_the_others() -> None:
    mine, others = split({"render_directory": "x", "render_statik": True, "tenants": []})
    assert (mine, others) == ({"render_directory": "x"}, {"render_statik": True, "tenants": []})


def test_only_the_directory_is_needed() -> None:
    assert option_problems({**GOOD, "render_version": None}) == []
    found = read_options({**GOOD, "render_version": None})
    assert (found.directory, found.version, found.static) == (Path.home() / "out", (1, 37), False)
    assert (found.engine, found.priority_class) == ("", "")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("render_directory", "", "name the folder"),
        ("render_directory", None, "name the folder"),
        ("render_version", 1.3, "quoted text"),
        ("render_version", "1.30.2", "quoted text"),
        ("render_version", "2.30", "quoted text"),
        ("render_engine", "opa", "kyverno or gatekeeper"),
        ("render_priority_class", "A B", "PriorityClass"),
        ("render_static", "yes", "true or false"),
    ],
)
def test_a_fault_is_named_with_its_remedy(name: str, value: Any, text: str) -> None:
    (problem,) = option_problems({**GOOD, name: value})
    assert problem.startswith(f"buildkeep_{name}: ")
    assert text in problem


@pytest.mark.parametrize(
    ("version", "wanted", "name"),
    [
        (NEWEST, "auto", "admission"),
        ("1.30", "auto", "admission"),
        ("1.29", "auto", "psa"),
        ("1.24", "auto", "psp"),
        (NEWEST, "scc", "scc"),
    ],
)
def test_the_version_stands_for_the_cluster(version: str, wanted: str, name: str) -> None:
    found = backends.choose(read_options({**GOOD, "render_version": version}).served(wanted), wanted)
    assert found.name == name
    assert found.policies == (version >= "1.30")
    assert found.mutations == (version >= "1.36")


def test_the_engine_holds_the_images_of_older_clusters() -> None:
    options = read_options({**GOOD, "render_version": "1.24", "render_engine": "kyverno"})
    assert backends.choose(options.served("auto")).images == "kyverno"
