"""The tests of tests/api/test_policies_storage.py on Kubernetes 1.30."""

from __future__ import annotations

from tests.api.test_policies_storage import *  # noqa: F403 - its fixtures and its tests

del test_newer_fields_of_a_claim  # noqa: F821
