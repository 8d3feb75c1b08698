"""The builder profiles: what each builder needs from the kernel, read from the chart's one profile table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.apparmor import profile_name
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_canonical, repository
from ansible_collections.buildkeep.ci.plugins.module_utils.names import SA_BUILDER_PREFIX
from ansible_collections.buildkeep.ci.plugins.module_utils.seccomp import localhost_profile

__all__ = ["Profile", "Profiles", "load_profiles", "pss_level", "repository"]

CHART = Path(__file__).resolve().parents[2] / "charts" / "agent-templates"

# Capabilities that the Pod Security Standard `baseline` lets a container add (pod-security-admission,
# policy/check_capabilities_baseline.go); `restricted` lets it add NET_BIND_SERVICE only.
_RESTRICTED_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
_BASELINE_CAPABILITIES = _RESTRICTED_CAPABILITIES | {
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL"),
    *("MKNOD", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
}


@dataclass(frozen=True)
class TrustedCA:
    """Where a builder looks for certificates of private CAs: a folder, and the variable that names it."""

    path: str
    variable: str
    value: str


@dataclass(frozen=True)
class Volume:
    """An emptyDir of a builder's own: where it is mounted, and the most that it may hold."""

    path: str
    size: str


@dataclass(frozen=True)
class Profile:
    """One builder; `capabilities_add` comes after dropping ALL, `seccomp` is RuntimeDefault or Localhost/<file>.

    `proc_mount` is Default, or Unmasked for a builder that makes process namespaces of its own. `app_armor` is
    RuntimeDefault or Localhost/<profile>. `user_namespace` says whether it can run in one of the pod's (`hostUsers:
    false`). `legacy` is a warning to whoever still uses it. The rest is what its template runs, and where that reads
    the registry's credentials.
    """

    name: str
    image: str
    service_account: str
    run_as_user: int
    run_as_group: int
    allow_privilege_escalation: bool
    capabilities_add: tuple[str, ...]
    seccomp: str
    pss_level: str
    proc_mount: str = "Default"
    app_armor: str = "RuntimeDefault"
    user_namespace: bool = False
    legacy: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    credentials: str = ""
    trusted_ca: TrustedCA | None = None


@dataclass(frozen=True)
class Profiles:
    """The table as an inventory has it: builders by name, the agent's image, and the builders that have no image."""

    builders: dict[str, Profile]
    agent_image: str
    imageless: tuple[str, ...] = ()

    @property
    def relaxed(self) -> dict[str, Profile]:
        """The builders that need more than `restricted` gives: only these are let through beside the rules."""
        return {name: one for name, one in self.builders.items() if one.pss_level != "restricted"}

    @property
    def restricted(self) -> dict[str, Profile]:
        """The builders that need no right; to the rules their containers are like any other."""
        return {name: one for name, one in self.builders.items() if one.pss_level == "restricted"}


def load_profiles(
    chart_dir: Path | None = None, overrides: Mapping[str, Any] | None = None, agent_image: str = ""
) -> Profiles:
    """Read the profile table.

    Args:
        chart_dir: folder of the chart `agent-templates`; the collection's own where it is None.
        overrides: per builder `{"image": reference}`, the inventory's `buildkeep_builders`.
        agent_image: image of the agent container, the inventory's `buildkeep_agent_image`; "" keeps the table's.

    Raises:
        BuildkeepError: for an override of an unknown builder or with an unknown key, and for an image that is not
            written in full.
    """
    chart = chart_dir or CHART
    table = yaml.safe_load((chart / "profiles.yaml").read_text(encoding="utf-8"))
    builders = {name: _profile(name, entry, chart) for name, entry in table["builders"].items()}
    wanted = dict(overrides or {})
    agent = agent_image or str(table["agent"]["image"])
    problems = _override_problems(wanted, builders) + _image_problems("buildkeep_agent_image", agent)
    if not problems:
        images = {name: entry["image"] for name, entry in wanted.items() if entry.get("image")}
        builders = {name: replace(one, image=images.get(name, one.image)) for name, one in builders.items()}
        problems = [
            f"buildkeep_builders.{name}.image: {repository(agent)} is the agent's repository, which runs without a "
            "builder's rights; give the builder a repository of its own"
            for name, one in builders.items()
            if one.image and repository(one.image) == repository(agent)
        ]
    if problems:
        raise BuildkeepError(problems)
    named = {name: one for name, one in builders.items() if one.image}
    return Profiles(builders=named, agent_image=agent, imageless=tuple(name for name in builders if name not in named))


def pss_level(profiles: Profiles, builders: Iterable[str], *, unconfined: bool = False) -> str:
    """Name the strictest Pod Security level that admits all of these builders: `restricted` or `baseline`.

    Where those that need a seccomp profile on the nodes run `unconfined`, it is `privileged`: our own rules alone hold.
    """
    wanted = [profiles.builders[name] for name in builders]
    if unconfined and any(one.seccomp.startswith("Localhost/") for one in wanted):
        return "privileged"
    levels = {one.pss_level for one in wanted}
    return "baseline" if "baseline" in levels else "restricted"


def _own(chart: Path, file: str, named: Callable[[str, str], str]) -> str:
    """Name a builder's own profile as nodes know it, after what is in its file."""
    source = chart / file
    return f"Localhost/{named(source.stem, source.read_text(encoding='utf-8'))}"


def _profile(name: str, entry: Mapping[str, Any], chart: Path) -> Profile:
    capabilities = tuple(sorted(entry.get("capabilities") or ()))
    escalation = bool(entry["allowPrivilegeEscalation"])
    seccomp, app_armor = str(entry["seccompProfile"]), str(entry.get("appArmorProfile", "RuntimeDefault"))
    if seccomp == "Localhost":
        seccomp = _own(chart, f"seccomp/{name}.json", localhost_profile)
    if app_armor == "Localhost":
        app_armor = _own(chart, f"apparmor/{name}.profile", profile_name)
    proc_mount = str(entry.get("procMount", "Default"))
    return Profile(
        name=name,
        image=str(entry["image"]),
        service_account=SA_BUILDER_PREFIX + name,
        run_as_user=int(entry["runAsUser"]),
        run_as_group=int(entry["runAsGroup"]),
        allow_privilege_escalation=escalation,
        capabilities_add=capabilities,
        seccomp=seccomp,
        pss_level=_level(name, int(entry["runAsUser"]), escalation, frozenset(capabilities), seccomp, proc_mount),
        proc_mount=proc_mount,
        app_armor=app_armor,
        user_namespace=bool(entry.get("userNamespace", False)),
        legacy=str(entry.get("legacy", "")),
        env={key: str(value) for key, value in (entry.get("env") or {}).items()},
        volumes={key: Volume(**one) for key, one in (entry.get("volumes") or {}).items()},
        command=tuple(entry["command"]),
        args=tuple(entry["args"]),
        credentials=str(entry["credentials"]),
        trusted_ca=TrustedCA(**entry["trustedCA"]) if "trustedCA" in entry else None,
    )


def _level(name: str, user: int, escalation: bool, capabilities: frozenset[str], seccomp: str, proc_mount: str) -> str:
    confined = seccomp == "RuntimeDefault" or (seccomp.startswith("Localhost/") and seccomp != "Localhost/")
    if not confined or not capabilities <= _BASELINE_CAPABILITIES or proc_mount != "Default":
        raise BuildkeepError(
            [
                f"profiles.yaml: builders.{name} needs the Pod Security level privileged, which no tenant gets; keep "
                "seccompProfile to RuntimeDefault or Localhost/<file>, capabilities to those of baseline, procMount "
                "to Default"
            ]
        )
    restricted = user != 0 and not escalation and capabilities <= _RESTRICTED_CAPABILITIES
    return "restricted" if restricted else "baseline"


def _override_problems(overrides: Mapping[str, Any], builders: Mapping[str, Profile]) -> list[str]:
    problems = []
    for name, entry in overrides.items():
        field = f"buildkeep_builders.{name}"
        if name not in builders:
            problems.append(f"{field}: no such builder; known: {', '.join(builders)}")
        elif not isinstance(entry, Mapping):
            problems.append(f"{field}: must be a mapping such as {{image: HOST/REPOSITORY:TAG}}")
        else:
            problems += [f"{field}.{key}: unknown key; known: image" for key in entry if key != "image"]
            if entry.get("image"):
                problems += _image_problems(f"{field}.image", str(entry["image"]), tagged=True)
    return problems


def _image_problems(field: str, image: str, *, tagged: bool = False) -> list[str]:
    if is_canonical(image) and not (tagged and repository(image) == image):
        return []
    return [
        f"{field}: '{image}' is not written in full; write HOST/REPOSITORY:TAG in lower case, with or without @sha256:"
    ]
