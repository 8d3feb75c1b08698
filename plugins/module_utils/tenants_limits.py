"""Whether one pod of an agent template fits into a tenant's limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

# Suffixes of Kubernetes quantities (apimachinery, pkg/api/resource/suffix.go), as far as the schema admits them.
_SUFFIXES = {
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}


def quantity(text: str) -> Decimal:
    """Read a Kubernetes quantity: CPUs (`500m` is 0.5), or bytes (`1Ki` is 1024)."""
    number = text.rstrip("KMGTkmi")
    return Decimal(number) * _SUFFIXES.get(text[len(number) :], Decimal(1))


def too_small(
    limits: Mapping[str, Any], builders: tuple[str, ...], table: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Find limits that leave no room for a single pod.

    Args:
        limits: `cpu` and `memory` of a tenant, both as quantities.
        builders: its builders.
        table: the profile table, `profiles.yaml`.

    Yields:
        The limit, and in words what a pod needs of it.
    """
    for resource in ("cpu", "memory"):
        for builder in builders:
            parts = (table["agent"], table["builders"][builder])
            needed = [str(part["resources"]["limits"][resource]) for part in parts]
            if quantity(str(limits[resource])) < sum(map(quantity, needed)):
                yield resource, f"one pod of {builder} needs {' + '.join(needed)}"
                break
