"""The tests of tests/api/test_policies_bindings.py on Kubernetes 1.30."""

from __future__ import annotations

from tests.api.test_policies_bindings import *  # noqa: F403 - its fixtures and its tests
