"""Seccomp profiles: what further system calls become, how files are named, and what the table's profiles hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import seccomp
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

ALLOW = "SCMP_ACT_ALLOW"
BASE: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["read"], "action": ALLOW}, {"names": ["clone3"], "action": "SCMP_ACT_ERRNO"}],
}
NEWNS, NEWUSER, NEWTIME, EVERY_NAMESPACE = 0x00020000, 0x10000000, 0x80, 0x7E020000
TABLE = yaml.safe_load((seccomp.CHART / "profiles.yaml").read_text(encoding="utf-8"))["builders"]
LOCALHOST = [name for name, entry in TABLE.items() if entry["seccompProfile"] == "Localhost"]


def added(*calls: str) -> list[dict[str, Any]]:
    """The rules that further calls add."""
    rules: list[dict[str, Any]] = seccomp.seccomp_profile("tool", BASE, calls)["syscalls"]
    assert rules[:2] == BASE["syscalls"]
    return rules[2:]


def lets(rules: list[dict[str, Any]], call: str, *arguments: int) -> bool:
    """What the kernel would say of a call with these first arguments, as seccomp(2) has it."""
    tests = {
        "SCMP_CMP_EQ": lambda one: arguments[one["index"]] == one["value"],
        "SCMP_CMP_LT": lambda one: arguments[one["index"]] < one["value"],
        "SCMP_CMP_MASKED_EQ": lambda one: arguments[one["index"]] & one["value"] == one.get("valueTwo", 0),
    }
    return any(
        all(tests[one["op"]](one) for one in rule.get("args", []))
        for rule in rules
        if call in rule["names"] and rule["action"] == ALLOW
    )


def test_calls_without_a_flag_are_allowed_with_any_argument_in_one_rule() -> None:
    assert added("umount2", "mount", "mount") == [{"names": ["mount", "umount2"], "action": ALLOW}]
    assert added() == []


@pytest.mark.parametrize(
    ("call", "argument", "allowed"),
    [
        ("unshare", NEWUSER, True),
        ("unshare", NEWUSER | NEWNS, True),
        ("unshare", EVERY_NAMESPACE, False),
        ("unshare", NEWTIME, False),
        ("unshare", NEWNS | NEWTIME, False),
        ("clone", NEWUSER | 17, True),
        ("clone", NEWNS, False),
        ("keyctl", 1, True),
        ("keyctl", 5, False),
    ],
)
def test_flags_of_several_entries_go_together_and_nothing_else_does(call: str, argument: int, allowed: bool) -> None:
    rules = added(
        "unshare CLONE_NEWUSER", "unshare CLONE_NEWNS", "clone CLONE_NEWUSER", "keyctl KEYCTL_JOIN_SESSION_KEYRING"
    )
    assert lets(rules, call, argument) is allowed


def test_a_kind_of_namespace_is_entered_by_its_name_only() -> None:
    rules = added("setns CLONE_NEWNS")
    file, any_kind = 3, 0
    assert [lets(rules, "setns", file, kind) for kind in (NEWNS, any_kind, NEWUSER)] == [True, False, False]


def test_every_problem_is_named_with_its_field() -> None:
    calls = ["read", "Mount", "mount CLONE_NEWNS", "unshare CLONE_NEWMOON", "clone", "clone CLONE_NEWUSER"]
    with pytest.raises(BuildkeepError) as caught:
        seccomp.seccomp_profile("tool", BASE, calls)
    field = "profiles.yaml: builders.tool.systemCalls."
    assert sorted(caught.value.problems) == [
        f"{field}Mount: write a system call, or one and a flag such as 'unshare CLONE_NEWUSER'",
        f"{field}clone: allows any argument, so take 'clone CLONE_NEWUSER' away",
        f"{field}mount CLONE_NEWNS: no such flag of mount here; known: none, so name the call alone",
        f"{field}read: the base list allows it already; take the entry away",
        f"{field}unshare CLONE_NEWMOON: no such flag of unshare here; known: CLONE_NEWNS, CLONE_NEWCGROUP, "
        "CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, CLONE_FS, CLONE_FILES",
    ]


def test_a_profile_is_written_the_same_whatever_the_order() -> None:
    one, other = (
        seccomp.seccomp_text(seccomp.seccomp_profile("tool", BASE, calls))
        for calls in (["mount", "clone CLONE_NEWNS", "chroot"], ["chroot", "clone CLONE_NEWNS", "mount"])
    )
    assert one == other
    assert json.loads(one)["syscalls"][2] == {"names": ["chroot", "mount"], "action": ALLOW}


def test_a_file_is_named_after_its_content() -> None:
    # printf 'x' | sha256sum
    assert seccomp.file_name("img", "x") == "img-2d711642b726.json"
    assert seccomp.localhost_profile("img", "x") == "buildkeep/img-2d711642b726.json"


def test_the_base_list_is_as_narrow_as_the_runtime_default() -> None:
    base = seccomp.load_base()
    assert base["defaultAction"] == "SCMP_ACT_ERRNO"
    assert {"SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"} <= set(base["architectures"])
    named = {name for rule in base["syscalls"] for name in rule["names"] if rule["action"] == ALLOW}
    beyond = {"mount", "umount2", "unshare", "setns", "pivot_root", "chroot", "bpf", "keyctl", "add_key",
              "userfaultfd", "open_tree", "fsopen", "perf_event_open", "open_by_handle_at"}  # fmt: skip
    assert not named & beyond
    # Programs then fall back to clone, which they do not on "not permitted".
    assert {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38} in base["syscalls"]
    assert not any(lets(base["syscalls"], "clone", flag) for flag in (NEWUSER, NEWNS, EVERY_NAMESPACE))
    assert lets(base["syscalls"], "clone", 17)
    # AF_INET, and AF_ALG and AF_VSOCK, which reach into the kernel and to the host.
    assert [lets(base["syscalls"], "socket", family) for family in (2, 38, 40)] == [True, False, False]


@pytest.mark.parametrize("builder", LOCALHOST)
def test_every_further_call_of_the_table_has_a_reason_and_an_effect(builder: str) -> None:
    calls = TABLE[builder]["systemCalls"]
    base = seccomp.load_base()
    assert all(len(reason) > 15 for reason in calls.values())
    whole = seccomp.seccomp_text(seccomp.seccomp_profile(builder, base, calls))
    for call in calls:
        assert seccomp.seccomp_text(seccomp.seccomp_profile(builder, base, set(calls) - {call})) != whole, call
