"""The tests of the newest version on Kubernetes 1.30: the very same ones."""

from tests.api.test_policies_accounts import *  # noqa: F403
