"""Labels of a namespace for Pod Security Admission, pinned so that an upgrade of the cluster changes no verdict."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.buildkeep.ci.plugins.module_utils.names import PSA_PREFIX, PSA_VERSION

MODES = ("enforce", "audit", "warn")


def pinned(level: str, modes: Iterable[str] = MODES) -> dict[str, str]:
    """Give the labels.

    Args:
        level: `privileged`, `baseline` or `restricted`.
        modes: those that hold the namespace to it.
    """
    found = {}
    for mode in modes:
        found[f"{PSA_PREFIX}{mode}"] = level
        found[f"{PSA_PREFIX}{mode}-version"] = PSA_VERSION
    return found
