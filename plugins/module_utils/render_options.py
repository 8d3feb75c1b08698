"""The variables `buildkeep_render_*`: where rendered objects go, and for what cluster they are, as none is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.backends import SCC, Served
from ansible_collections.buildkeep.ci.plugins.module_utils.names import PSA_VERSION

NEWEST = PSA_VERSION.removeprefix("v")
DEFAULTS: Mapping[str, Any] = {
    "render_directory": "",
    "render_version": NEWEST,
    "render_engine": "",
    "render_priority_class": "",
    "render_static": False,
    "render_jcasc": False,
}
# Names, without their prefix `buildkeep_`, that an inventory may have and that only the playbook render.yml reads.
VARIABLES = tuple(DEFAULTS)
ENGINES = ("", "kyverno", "gatekeeper")
POLICIES_SINCE = (1, 30)  # ValidatingAdmissionPolicy v1, KEP-3488
MUTATIONS_SINCE = (1, 36)  # MutatingAdmissionPolicy v1, KEP-3962
STATIC_SINCE = (1, 37)  # ManifestBasedAdmissionControlConfig is beta, KEP-5793
PSP_UNTIL = (1, 24)
# OpenShift 4.20 is Kubernetes 1.33, and its SecurityContextConstraints know user namespaces.
USER_NAMESPACES_SINCE = (1, 33)
_CLASS_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?")


@dataclass(frozen=True)
class RenderOptions:
    """What to render.

    Attributes:
        directory: where the files go.
        version: (major, minor) of the cluster that they are for.
        engine: what holds the allowlist where no ValidatingAdmissionPolicy does: `kyverno`, `gatekeeper` or, for
            nothing, empty.
        priority_class: name of that cluster's globalDefault PriorityClass, or empty.
        static: whether the policies are written as static manifests of the API server too.
        jcasc: whether clouds and folders are written as plain files for Jenkins too.
    """

    directory: Path
    version: tuple[int, int]
    engine: str
    priority_class: str
    static: bool
    jcasc: bool

    def served(self, backend: str) -> Served:
        """Say what a cluster of this version serves; only an OpenShift has SCCs, so the wanted backend tells."""
        return Served(
            version=self.version,
            policies=self.version >= POLICIES_SINCE,
            mutations=self.version >= MUTATIONS_SINCE,
            psp=self.version <= PSP_UNTIL,
            scc=backend == SCC,
            user_namespaces=backend == SCC and self.version >= USER_NAMESPACES_SINCE,
            kyverno=self.engine == "kyverno",
            gatekeeper=self.engine == "gatekeeper",
        )


def split(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part an inventory's variables (without `buildkeep_`) into those about rendering and all others."""
    mine = {name: value for name, value in raw.items() if name in DEFAULTS}
    return mine, {name: value for name, value in raw.items() if name not in mine}


def option_problems(given: Mapping[str, Any]) -> list[str]:
    """List what is wrong with the variables about rendering, each with its remedy."""
    values = _values(given)
    return [f"buildkeep_{name}: {text}" for name, check in _CHECKS.items() if (text := check(values[name]))]


def read_options(given: Mapping[str, Any]) -> RenderOptions:
    """Make options of variables in which option_problems() found nothing."""
    values = _values(given)
    major, minor = (int(part) for part in values["render_version"].split("."))
    return RenderOptions(
        # Not resolved: a link may lead to a working copy, and messages name what the user wrote.
        directory=Path(values["render_directory"]).expanduser(),
        version=(major, minor),
        engine=values["render_engine"],
        priority_class=values["render_priority_class"],
        static=values["render_static"],
        jcasc=values["render_jcasc"],
    )


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    return {**DEFAULTS, **{name: value for name, value in given.items() if value is not None}}


def _directory(value: Any) -> str:
    right = isinstance(value, str) and value.strip() != ""
    return "" if right else 'name the folder that the files go to, such as "{{ inventory_dir }}/rendered"'


def _version(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"1\.[1-9]\d", value):
        return ""
    return f'{value} is no version of Kubernetes; write major and minor as a quoted text, such as "{NEWEST}"'


def _engine(value: Any) -> str:
    return "" if value in ENGINES else f"{value} is not known; write kyverno or gatekeeper, or leave it out"


def _priority_class(value: Any) -> str:
    right = isinstance(value, str) and _CLASS_NAME.fullmatch(value)
    return "" if right else "write the name of the PriorityClass with globalDefault, or leave it out"


def _switch(value: Any) -> str:
    return "" if isinstance(value, bool) else "write true or false"


_CHECKS: Mapping[str, Callable[[Any], str]] = {
    "render_directory": _directory,
    "render_version": _version,
    "render_engine": _engine,
    "render_priority_class": _priority_class,
    "render_static": _switch,
    "render_jcasc": _switch,
}
