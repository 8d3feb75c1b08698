"""AppArmor profiles: rules follow a builder's system calls, and names follow the source."""

from __future__ import annotations

import re

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils import apparmor
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

TEMPLATE = "profile @NAME@ {\n  signal peer=@NAME@,\n@RULES@\n}\n"


def test_rules_follow_the_system_calls() -> None:
    made = apparmor.apparmor_source("tool", TEMPLATE, ["unshare CLONE_NEWUSER", "umount2", "mount"])
    assert made == "profile @NAME@ {\n  signal peer=@NAME@,\n  mount,\n  remount,\n  umount,\n}\n"
    assert "pivot_root," in apparmor.apparmor_source("tool", TEMPLATE, ["pivot_root"])


def test_a_builder_that_mounts_nothing_is_told_to_keep_the_runtimes_profile() -> None:
    with pytest.raises(BuildkeepError, match=r"builders\.tool\.appArmorProfile: .* write RuntimeDefault"):
        apparmor.apparmor_source("tool", TEMPLATE, ["keyctl KEYCTL_SETPERM"])


def test_the_name_is_made_of_the_source_and_stands_wherever_it_is_meant() -> None:
    source = apparmor.apparmor_source("tool", TEMPLATE, ["mount"])
    name = apparmor.profile_name("tool", source)
    assert re.fullmatch(r"buildkeep-tool-[0-9a-f]{12}", name)
    assert name != apparmor.profile_name("tool", source + " ")
    assert apparmor.named("tool", source).count(name) == 2
    assert "@" not in apparmor.named("tool", source)


def test_the_template_forbids_the_kernels_own_settings_and_no_more_is_left_open() -> None:
    lines = [line.strip() for line in apparmor.load_template().splitlines()]
    denied = [line for line in lines if line.startswith("deny ")]
    assert {"deny /proc/sys/{,**} wkl,", "deny /sys/{,**} wkl,"} <= set(denied)
    assert not any(line.startswith(("mount", "umount", "pivot_root", "change_profile")) for line in lines)
