"""Whether a chart knows the values that it is given: a misspelt one would change nothing, and nobody would be told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import nearest

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# A key in a comment: an example, or a value that has no default.
_COMMENTED = re.compile(r"^\s*#\s*(?:-\s+)?([A-Za-z][\w.-]*):", re.MULTILINE)
# Read by templates of chart 5.9.53, and in no line of its values.yaml.
_UNLISTED = frozenset(
    ("clusterIP", "kubeTargetVersionOverride", "existingClaim", "testEnabled", "securityContext", "imagePullSecretName")
)
# Of Helm itself.
_HELMS = frozenset(("global",))


def unknown(given: Mapping[str, Any], text: str) -> Iterator[tuple[str, str]]:
    """Yield path and a hint for each value that the chart does not have.

    Args:
        given: values.
        text: the chart's `values.yaml`. What is empty there may hold anything.
    """
    known = yaml.load(text, Loader=_LOADER) or {}  # noqa: S506 (a safe loader)
    spoken = frozenset(_COMMENTED.findall(text)) | _UNLISTED | _HELMS
    yield from _unknown(given, known, spoken, "")


def _unknown(
    given: Mapping[str, Any], known: Mapping[str, Any], spoken: frozenset[str], path: str
) -> Iterator[tuple[str, str]]:
    for key, value in given.items():
        here = f"{path}{key}"
        if key not in known:
            if key not in spoken:
                yield here, nearest(str(key), map(str, known))
        elif isinstance(value, Mapping) and isinstance(known[key], Mapping) and known[key]:
            yield from _unknown(value, known[key], spoken, f"{here}.")
