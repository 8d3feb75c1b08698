"""Localhost seccomp profiles: the base list, and what a builder needs beyond it.

A Localhost profile replaces RuntimeDefault, so it starts from a base list that is as narrow: `seccomp/base.yaml` of the
chart, written by `python -m tools.seccomp_base`. Profiles are OCI runtime-spec (config-linux.md, `seccomp`), which
containerd and CRI-O take as they are. A builder's further calls stand in the profile table, each with its reason:

    mount: ...                  the call, whatever its arguments
    unshare CLONE_NEWUSER: ...  the call with no flag but those that the builder's entries name
    keyctl KEYCTL_SETPERM: ...  the call for this operation, and for those that further entries name
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

CHART = Path(__file__).resolve().parents[2] / "charts" / "agent-templates"
# Below the kubelet's own folder for profiles.
FOLDER = "buildkeep"
_KEY = re.compile(r"(?P<call>[a-z][a-z0-9_]*)(?: (?P<word>[A-Z][A-Z0-9_]*))?")
# include/uapi/linux/sched.h
_NAMESPACES = {
    "CLONE_NEWNS": 0x00020000,
    "CLONE_NEWCGROUP": 0x02000000,
    "CLONE_NEWUTS": 0x04000000,
    "CLONE_NEWIPC": 0x08000000,
    "CLONE_NEWUSER": 0x10000000,
    "CLONE_NEWPID": 0x20000000,
    "CLONE_NEWNET": 0x40000000,
}
_UNSHARED = {**_NAMESPACES, "CLONE_FS": 0x00000200, "CLONE_FILES": 0x00000400}
# Calls whose first argument is a set of flags: the flags, and all bits that must be clear unless an entry names them.
# The base list has clone with no namespace, of which the low bits are a signal; unshare it has not.
_FLAGS: Mapping[str, tuple[Mapping[str, int], int]] = {
    "clone": (_NAMESPACES, sum(_NAMESPACES.values())),
    "unshare": (_UNSHARED, 0xFFFFFFFF),
}
# Calls of which an argument has to be a certain value: its index, and the values. keyctl has an operation
# (include/uapi/linux/keyctl.h); setns the kind of namespace, where 0 is any.
_VALUES: Mapping[str, tuple[int, Mapping[str, int]]] = {
    "keyctl": (0, {"KEYCTL_JOIN_SESSION_KEYRING": 1, "KEYCTL_SETPERM": 5, "KEYCTL_DESCRIBE": 6}),
    "setns": (1, _NAMESPACES),
}


def load_base(chart_dir: Path | None = None) -> dict[str, Any]:
    """Read the base list: an OCI seccomp profile; of the collection's own chart where `chart_dir` is None."""
    text = ((chart_dir or CHART) / "seccomp" / "base.yaml").read_text(encoding="utf-8")
    base: dict[str, Any] = yaml.safe_load(text)
    return base


def seccomp_profile(builder: str, base: Mapping[str, Any], system_calls: Iterable[str]) -> dict[str, Any]:
    """Join the base list and further calls to one profile.

    Args:
        builder: name, for messages.
        base: an OCI seccomp profile, see `load_base`.
        system_calls: `call`, or `call FLAG`; the keys of the table's `systemCalls`.

    Raises:
        BuildkeepError: for an entry that cannot be read, and for a call that the base list has already.
    """
    wanted = sorted(set(system_calls))
    words: dict[str, list[str]] = {}
    for key in wanted:
        call, _, word = key.partition(" ")
        words.setdefault(call, []).append(word)
    problems = [problem for key in wanted for problem in _problems(builder, base, key)]
    problems += [
        f"profiles.yaml: builders.{builder}.systemCalls.{call}: allows any argument, so take '{call} {given[1]}' away"
        for call, given in words.items()
        if "" in given and len(given) > 1
    ]
    if problems:
        raise BuildkeepError(problems)
    plain = [call for call, given in words.items() if given == [""]]
    rules = [{"names": plain, "action": "SCMP_ACT_ALLOW"}] if plain else []
    for call, given in words.items():
        rules += [] if call in plain else _filtered(call, given)
    return {**base, "syscalls": [*base["syscalls"], *rules]}


def seccomp_text(profile: Mapping[str, Any]) -> str:
    """Write a profile as JSON, the same bytes for the same profile."""
    return json.dumps(profile, indent=2) + "\n"


def file_name(builder: str, content: str) -> str:
    """Name a profile's file on nodes after its content, so that a change never alters the file of a running pod."""
    return f"{builder}-{hashlib.sha256(content.encode()).hexdigest()[:12]}.json"


def localhost_profile(builder: str, content: str) -> str:
    """Name the profile as a pod does (`localhostProfile`): the path below the kubelet's folder `seccomp`."""
    return f"{FOLDER}/{file_name(builder, content)}"


def _problems(builder: str, base: Mapping[str, Any], key: str) -> list[str]:
    field = f"profiles.yaml: builders.{builder}.systemCalls.{key}"
    match = _KEY.fullmatch(key)
    if not match:
        return [f"{field}: write a system call, or one and a flag such as 'unshare CLONE_NEWUSER'"]
    call, word = match["call"], match["word"]
    known = _FLAGS[call][0] if call in _FLAGS else _VALUES.get(call, (0, {}))[1]
    if word and word not in known:
        return [f"{field}: no such flag of {call} here; known: {', '.join(known) or 'none, so name the call alone'}"]
    allowed = {name for rule in base["syscalls"] if not rule.get("args") for name in rule["names"]}
    return [f"{field}: the base list allows it already; take the entry away"] if call in allowed else []


def _filtered(call: str, words: Iterable[str]) -> list[dict[str, Any]]:
    """Rules for a call that entries name with flags or operations."""
    if call in _FLAGS:
        flags, mask = _FLAGS[call]
        return [_rule(call, 0, mask & ~sum(flags[word] for word in words), "SCMP_CMP_MASKED_EQ")]
    index, values = _VALUES[call]
    return [_rule(call, index, values[word], "SCMP_CMP_EQ") for word in words]


def _rule(call: str, index: int, value: int, operator: str) -> dict[str, Any]:
    # A masked comparison has the mask as its value, and in `valueTwo` what is left must equal: here nothing.
    argument = {"index": index, "value": value, "valueTwo": 0, "op": operator}
    return {"names": [call], "action": "SCMP_ACT_ALLOW", "args": [argument]}
