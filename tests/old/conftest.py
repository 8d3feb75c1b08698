"""A real API server of Kubernetes 1.30, the oldest with ValidatingAdmissionPolicy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profiles

from testbed.apiserver import ApiServer
from tests.api.api import Api
from tests.api.conftest import audit as audit  # the same, as fixtures of this folder
from tests.api.conftest import furnish
from tests.api.conftest import profiles as profiles
from tests.old.differences import Witness

OLDEST = "1.30"
# Fields that are off by default there, so that rules about them are met: the same as in the newest server's layer.
FLAGS = (
    "--feature-gates=ClusterTrustBundle=true,ClusterTrustBundleProjection=true,DynamicResourceAllocation=true,"
    "ProcMountType=true,UserNamespacesSupport=true",
    "--runtime-config=certificates.k8s.io/v1alpha1/clustertrustbundles=true",
)


@pytest.fixture(scope="session")
def api_server() -> Iterator[ApiServer]:
    """A running server of 1.30. Nobody writes into its policies while tests are judged by them: see test_old_types."""
    with ApiServer(flags=FLAGS, version=OLDEST) as server:
        yield server


@pytest.fixture(scope="session")
def admin(api_server: ApiServer) -> Api:
    """A client of group system:masters, who remembers the last answer."""
    return Witness(api_server)


@pytest.fixture(scope="session")
def shop(admin: Api, profiles: Profiles) -> str:
    """The namespace of a tenant in mode enforce where the policies are known to answer."""
    return furnish(admin, profiles)
