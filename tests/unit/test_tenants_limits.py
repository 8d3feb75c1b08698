"""Quantities of Kubernetes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.tenants_limits import quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [("4", "4"), ("500m", "0.5"), ("1.5", "1.5"), ("2Ki", "2048"), ("1Mi", "1048576"), ("1.5Gi", "1610612736"),
     ("2Ti", "2199023255552"), ("3k", "3000"), ("3M", "3000000"), ("3G", "3000000000"), ("1T", "1000000000000")],
)  # fmt: skip
def test_quantities(text: str, value: str) -> None:
    """Binary and decimal suffixes differ."""
    assert quantity(text) == Decimal(value)
