"""The base list of the seccomp profiles is what containerd's RuntimeDefault allows, as containerd itself says it."""

from __future__ import annotations

import copy

import pytest

from testbed import paths, seccomp
from tools import seccomp_base


def test_the_base_list_is_what_containerd_says() -> None:
    said = seccomp_base.BASE.read_text(encoding="utf-8")
    assert said == seccomp_base.text(), "run: python -m tools.seccomp_base"


def test_it_is_the_containerd_of_the_test_cluster() -> None:
    node = (paths.TESTBED / "go" / "containerd" / "go.mod").read_text(encoding="utf-8")
    assert f"github.com/containerd/containerd/v2 {seccomp_base.version()} " in node


def test_both_processors_are_asked_and_say_different_things() -> None:
    says = {one: {name for rule in profile["syscalls"] for name in rule["names"]}
            for one, profile in seccomp.runtime_default().items()}  # fmt: skip
    assert says["amd64"] - says["arm64"] == {"arch_prctl", "modify_ldt"}
    assert "sync_file_range2" in says["arm64"] - says["amd64"]


def test_processors_that_differ_in_more_than_plain_calls_are_not_made_one() -> None:
    profiles = copy.deepcopy(seccomp.runtime_default())
    rule = next(rule for rule in profiles["arm64"]["syscalls"] if rule["names"] == ["clone"])
    rule["args"][0]["value"] = 0
    with pytest.raises(ValueError, match="differ in a rule about arguments"):
        seccomp_base.merged(profiles)
