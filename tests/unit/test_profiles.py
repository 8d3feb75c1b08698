"""The profile table and what the inventory may override in it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.images import entry_problem, is_canonical, template_images
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import CHART, load_profiles, pss_level


def test_the_table_of_the_chart() -> None:
    profiles = load_profiles()
    kaniko = profiles.builders["kaniko"]
    assert (kaniko.service_account, kaniko.run_as_user, kaniko.pss_level) == ("builder-kaniko", 0, "baseline")
    assert not kaniko.allow_privilege_escalation and kaniko.seccomp == "RuntimeDefault"
    assert kaniko.capabilities_add == ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP", "SETGID", "SETUID")
    assert all(is_canonical(one.image) for one in profiles.builders.values()) and is_canonical(profiles.agent_image)
    assert {entry_problem(entry) for entry in template_images(profiles)} == {None}


def test_every_builder_of_the_table() -> None:
    profiles = load_profiles(overrides={name: {"image": f"r.example/{name}:1"} for name in ("img", "apko")})
    assert {name: one.pss_level for name, one in profiles.builders.items()} == {
        **dict.fromkeys(("kaniko", "buildkit", "buildah", "img"), "baseline"),
        **dict.fromkeys(("ko", "jib", "apko"), "restricted"),
    }
    assert set(profiles.relaxed) | set(profiles.restricted) == set(profiles.builders)
    assert {name for name, one in profiles.builders.items() if one.user_namespace} == {"kaniko", "buildah"}
    assert {name for name, one in profiles.builders.items() if one.legacy} == {"img"}
    assert load_profiles().imageless == ("img", "apko")


@pytest.mark.parametrize("name", list(yaml.safe_load((CHART / "profiles.yaml").read_text())["builders"]))
def test_every_right_has_its_reason(name: str) -> None:
    entry = yaml.safe_load((CHART / "profiles.yaml").read_text(encoding="utf-8"))["builders"][name]
    harmless = {"allowPrivilegeEscalation": False, "seccompProfile": "RuntimeDefault", "procMount": "Default"}
    taken = {field for field, value in harmless.items() if entry.get(field, value) != value}
    taken |= {"runAsUser"} if entry["runAsUser"] == 0 else set()
    reasons = entry.get("why", {})
    assert set(reasons) == taken
    lists = (reasons, entry.get("capabilities") or {}, entry.get("systemCalls") or {})
    assert all(len(str(reason)) > 10 for one in lists for reason in one.values())
    assert bool(entry.get("systemCalls")) == (entry["seccompProfile"] == "Localhost")


def test_profiles_on_nodes_carry_a_hash_of_what_is_in_them(tmp_path: Path) -> None:
    chart = table(tmp_path, seccompProfile="Localhost", appArmorProfile="Localhost")
    for text in ("one", "other"):
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        for file in ("seccomp/other.json", "apparmor/other.profile"):
            (chart / file).write_text(text, encoding="utf-8")
        found = load_profiles(chart).builders["other"]
        assert found.seccomp == f"Localhost/buildkeep/other-{digest}.json"
        assert found.app_armor == f"Localhost/buildkeep-other-{digest}"


def test_without_seccomp_only_builders_that_need_a_profile_of_their_own_are_privileged() -> None:
    levels = {name: pss_level(load_profiles(), [name], unconfined=True) for name in ("kaniko", "jib", "buildkit")}
    assert levels == {"kaniko": "baseline", "jib": "restricted", "buildkit": "privileged"}


def table(tmp_path: Path, **changes: Any) -> Path:
    """A chart folder whose table has one more builder, like kaniko but for these fields."""
    raw = yaml.safe_load((CHART / "profiles.yaml").read_text(encoding="utf-8"))
    raw["builders"]["other"] = {**raw["builders"]["kaniko"], "image": "ghcr.io/acme/other:1", **changes}
    for kind in ("seccomp", "apparmor"):
        shutil.copytree(CHART / kind, tmp_path / kind, dirs_exist_ok=True)
    (tmp_path / "profiles.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    return tmp_path


ROOTLESS = {"runAsUser": 1000, "capabilities": {}}


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, "baseline"),
        (ROOTLESS, "restricted"),
        ({**ROOTLESS, "runAsUser": 0}, "baseline"),
        ({**ROOTLESS, "allowPrivilegeEscalation": True}, "baseline"),
        ({**ROOTLESS, "capabilities": {"SETUID": "why"}}, "baseline"),
        ({**ROOTLESS, "capabilities": {"NET_BIND_SERVICE": "why"}}, "restricted"),
        ({**ROOTLESS, "seccompProfile": "Localhost/buildkeep/x.json"}, "restricted"),
    ],
    ids=str,
)
def test_levels(tmp_path: Path, changes: dict[str, Any], level: str) -> None:
    profiles = load_profiles(table(tmp_path, **changes))
    assert profiles.builders["other"].pss_level == level == pss_level(profiles, ["other"])
    assert pss_level(profiles, ["other", "kaniko"]) == "baseline" and pss_level(profiles, []) == "restricted"


@pytest.mark.parametrize(
    "changes",
    [
        *({"seccompProfile": "Unconfined"}, {"seccompProfile": "Localhost/"}),
        *({"capabilities": {"SYS_ADMIN": "x"}}, {"procMount": "Unmasked"}),
    ],
)
def test_a_builder_that_needs_privileged_is_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(BuildkeepError, match=r"builders\.other needs the Pod Security level privileged"):
        load_profiles(table(tmp_path, **changes))


def test_overrides() -> None:
    profiles = load_profiles(overrides={"kaniko": {"image": "r.example/k:1"}}, agent_image="r.example/agent:2")
    assert (profiles.builders["kaniko"].image, profiles.agent_image) == ("r.example/k:1", "r.example/agent:2")


def test_every_wrong_override_is_named() -> None:
    with pytest.raises(BuildkeepError) as raised:
        load_profiles(overrides={"kanika": {}, "kaniko": {"image": "kaniko", "tag": 1}}, agent_image="agent:1")
    problems = raised.value.problems
    assert len(problems) == 4
    for start in (
        "buildkeep_builders.kanika: no such builder; known: kaniko",
        "buildkeep_builders.kaniko.tag: unknown key",
        "buildkeep_builders.kaniko.image: 'kaniko' is not written in full",
        "buildkeep_agent_image: 'agent:1'",
    ):
        assert any(problem.startswith(start) for problem in problems), problems
    with pytest.raises(BuildkeepError, match="must be a mapping"):
        load_profiles(overrides={"kaniko": "ghcr.io/x/y:1"})
    with pytest.raises(BuildkeepError, match="write HOST/REPOSITORY:TAG"):
        load_profiles(overrides={"kaniko": {"image": "ghcr.io/x/y"}})


def test_a_builder_cannot_share_the_agents_repository() -> None:
    with pytest.raises(BuildkeepError, match="is the agent's repository"):
        load_profiles(overrides={"kaniko": {"image": "r.example/a:1"}}, agent_image="r.example/a:2")
