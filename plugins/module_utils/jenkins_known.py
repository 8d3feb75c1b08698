"""Whether a chart knows the values that it is given: a misspelt one would change nothing, and nobody would be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import nearest

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Read by templates of chart 5.9.53, and not in its values.yaml; `global` is Helm's own.
_UNLISTED = frozenset(
    (
        *("global", "kubeTargetVersionOverride", "controller.clusterIP", "controller.overrideArgs"),
        "controller.googlePodMonitor.serviceMonitorNamespace",
        "controller.httpsKeyStore.jenkinsKeyStoreBase",
        "controller.sidecars.configAutoReload.searchNamespace",
    )
)
# Goes into an object as it stands, so that the API server judges it.
_WHOLE = frozenset(
    ("resources", "containerSecurityContext", "startupProbe", "livenessProbe", "readinessProbe", "security")
)


def unknown(given: Mapping[str, Any], text: str) -> Iterator[tuple[str, str]]:
    """Yield path and a hint for each value that the chart does not have.

    Args:
        given: values.
        text: the chart's `values.yaml`. What is empty there may hold anything.
    """
    yield from _unknown(given, yaml.load(text, Loader=_LOADER) or {}, "")  # noqa: S506 (a safe loader)


def _unknown(given: Mapping[str, Any], known: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in given.items():
        here = f"{path}{key}"
        if key not in known:
            if here not in _UNLISTED:
                yield here, nearest(str(key), map(str, known))
        elif isinstance(value, Mapping) and isinstance(known[key], Mapping) and known[key] and key not in _WHOLE:
            yield from _unknown(value, known[key], f"{here}.")
