"""Each role's defaults, argument spec and page agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.repository import ROLES
from tools.generate.roles import defaults, specs

NAMES = [role.name for role in ROLES]


def test_there_are_roles() -> None:
    assert {"agent_templates", "pod_security", "rbac", "registry_allowlist", "tenants"} <= set(NAMES)


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_default_is_specified_and_every_optional_argument_has_a_default(role: Path) -> None:
    options = specs(role)["main"].get("options") or {}
    optional = {name for name, option in options.items() if not option.get("required")}
    assert set(defaults(role)) == optional


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_default_in_the_spec_is_the_one_that_holds(role: Path) -> None:
    values = defaults(role)
    options = specs(role)["main"].get("options") or {}
    stated = {name: option["default"] for name, option in options.items() if "default" in option}
    assert stated == {name: values.get(name) for name in stated}


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_argument_is_described(role: Path) -> None:
    for entry, spec in specs(role).items():
        assert spec.get("short_description"), entry
        assert [name for name, option in (spec.get("options") or {}).items() if not option.get("description")] == []


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_a_role_depends_on_no_other_role(role: Path) -> None:
    meta = role / "meta" / "main.yml"
    assert not meta.is_file() or "dependencies: []" in meta.read_text(encoding="utf-8")
