"""A bare API server of the newest Kubernetes, to which OpenShift's published types are added."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import SCC, Backend
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import Settings, read_settings

from testbed import openshift
from testbed.apiserver import ApiServer
from tests.api.api import Api
from tests.builders import ROOTLESS
from tests.scc.published import publish


@pytest.fixture(scope="session")
def server() -> Iterator[ApiServer]:
    """Give a running API server without any of the types."""
    with ApiServer() as one:
        yield one


@pytest.fixture(scope="session")
def admin(server: ApiServer) -> Api:
    """Give a client of group system:masters."""
    return Api(server)


@pytest.fixture(scope="session", params=[openshift.OLDER, openshift.NEW])
def types(server: ApiServer, request: pytest.FixtureRequest) -> str:
    """Name the version whose types the server has: first one from before user namespaces, then a new one."""
    name = str(request.param)
    publish(server, name)
    return name


@pytest.fixture
def settings(types: str) -> Settings:
    """Give an inventory of one tenant, with both builders in the table, for an OpenShift of these types."""
    made = read_settings({"tenants": [{"name": "shop"}]})
    profiles = dataclasses.replace(made.profiles, builders={**made.profiles.builders, "rootless": ROOTLESS})
    backend = Backend(SCC, policies=True, pod_security=True, user_namespaces=types == openshift.NEW)
    return dataclasses.replace(made, profiles=profiles, backend=backend)
