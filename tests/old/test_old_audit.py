"""The tests of the newest version on Kubernetes 1.30: the very same ones."""

from tests.api.conftest import audit as audit
from tests.api.test_policies_audit import *  # noqa: F403
