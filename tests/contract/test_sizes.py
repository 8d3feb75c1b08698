"""Files stay small enough to be read in one go."""

from __future__ import annotations

from fnmatch import fnmatch

import pytest

from tests.contract.repository import lines, tracked

# (pattern, most lines); fnmatch's star crosses slashes
LIMITS = (
    ("*.py", 250),
    ("roles/*/tasks/*.yml", 60),
    ("playbooks/*.yml", 60),
    ("molecule/*/*.yml", 60),
    ("roles/*/templates/*", 80),
    ("charts/*/templates/*", 80),
)


@pytest.mark.parametrize(("pattern", "limit"), LIMITS)
def test_no_file_is_longer_than_its_limit(pattern: str, limit: int) -> None:
    found = [name for name in tracked() if fnmatch(name, pattern)]
    assert found, f"nothing matches {pattern}: the limit watches nothing"
    assert {name: lines(name) for name in found if lines(name) > limit} == {}
