"""The running cluster that BUILDKEEP_CLUSTER names, on which site.yml has run with inventories/kind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from testbed import paths
from testbed.attacks import session
from testbed.attacks.api import Api, from_kubeconfig
from testbed.attacks.outcome import Outcome
from testbed.attacks.registry import Registry
from testbed.attacks.stage import namespace_path
from testbed.attacks.waiting import wait


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


@pytest.fixture(scope="session")
def home(admin: Api) -> Iterator[str]:
    """A namespace that belongs to no tenant, to run what was built."""
    name = f"buildkeep-check-{uuid.uuid4().hex[:6]}"
    admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"{namespace_path(name)}/serviceaccounts/default"
    wait(lambda: admin.ask("GET", account).ok, 30, f"the ServiceAccount default of {name}")
    yield name
    admin.must("DELETE", namespace_path(name))
