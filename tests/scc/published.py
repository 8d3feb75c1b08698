"""Puts the published types of SecurityContextConstraints on an API server. Nothing there enforces what they say."""

from __future__ import annotations

from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.scc_served import user_namespaces

from testbed import openshift
from testbed.apiserver import ApiServer
from tests.api.api import Answer, Api, until

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUP = "/apis/security.openshift.io/v1"
CONSTRAINTS = f"{GROUP}/securitycontextconstraints"
STRICT = "?fieldManager=buildkeep&force=true&fieldValidation=Strict"
APPLY = "application/apply-patch+yaml"


def publish(server: ApiServer, name: str) -> None:
    """Make the types of a version (openshift.NEW or OLDER) the server's, as an upgrade of OpenShift does.

    Returns when the server goes by them, which it says in its OpenAPI document.
    """
    admin, definition = Api(server), openshift.definition(name)
    path = f"{DEFINITIONS}/{definition['metadata']['name']}"
    admin.request("PATCH", path + "?fieldManager=openshift&force=true", definition, APPLY).done()
    known = name == openshift.NEW
    until(lambda: admin.request("GET", GROUP), lambda answer: answer.ok and bool(answer.body["resources"]))
    until(lambda: _schema(server), lambda answer: answer.body["user_namespaces"] is known)


def _schema(server: ApiServer) -> Answer:
    found = user_namespaces(connect(str(server.kubeconfig())))
    return Answer(200, {"user_namespaces": found}, ())


def apply(admin: Api, item: dict[str, Any]) -> Answer:
    """Apply one SCC as the product does: server-side, and no field that the server does not know."""
    return admin.request("PATCH", f"{CONSTRAINTS}/{item['metadata']['name']}{STRICT}", item, APPLY)
