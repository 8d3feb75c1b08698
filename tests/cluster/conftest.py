"""The running cluster that BUILDKEEP_CLUSTER names, on which site.yml has run with inventories/kind."""

from __future__ import annotations

import pytest

from testbed import paths
from testbed.attacks import session
from testbed.attacks.api import Api, from_kubeconfig
from testbed.attacks.outcome import Outcome
from testbed.attacks.registry import Registry


@pytest.fixture(scope="session", autouse=True)
def admin() -> Api:
    """The API server as the administrator sees it; without a cluster the tests fail, they are not left out."""
    file = paths.kubeconfig()
    if not file.is_file():
        pytest.fail(
            f"the cluster {paths.cluster_name()} is not up (no {file}); run: python -m testbed up", pytrace=False
        )
    return from_kubeconfig(file)


@pytest.fixture(scope="session")
def registry(admin: Api) -> Registry:
    """The registry in the cluster."""
    return Registry(admin)


@pytest.fixture(scope="session")
def outcomes(admin: Api) -> dict[str, Outcome]:
    """All attacks, tried once."""
    return {outcome.attack.id: outcome for outcome in session.attack(paths.kubeconfig())}
