"""The pod that the controller makes of an attacker's Jenkinsfile, from the clouds that are on the cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, clouds, dynamic_pod, pod_request
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from testbed.attacks.api import Api
from testbed.attacks.jenkinsfile import pod_text
from testbed.attacks.stage import CONTROLLER, namespace_path

CLOUD = "shop"
BASE = "docker.io/library/debian:bookworm-slim"
LISTED = ("europe-docker.pkg.dev/acme/base/debian:bookworm-slim", "gcr.io/acme/tools/debian:bookworm-slim")


def table_names() -> dict[str, str]:
    """What `$agent`, `$listed` and `$foreign` stand for in the table of attacks."""
    return {"agent": load_profiles().agent_image, "listed": LISTED[0], "foreign": BASE}


def pod_maker(admin: Api) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Makes pods as the Kubernetes plugin does for shop's cloud.

    Args:
        admin: to read the cloud from beside the controller.

    Raises:
        RuntimeError, BuildkeepError: there is no such cloud, or it is none that Jenkins would take.
    """
    where = f"{namespace_path(CONTROLLER[0])}/configmaps/buildkeep-cloud-{CLOUD}"
    cloud = clouds([admin.must("GET", where)])[CLOUD]

    def pod(part: Mapping[str, Any]) -> Mapping[str, Any]:
        attributes = {"yaml": pod_text(part), **part.get("agent", {})}
        request = pod_request(attributes, "shop_attack_1-x7k2p", "job/shop/job/attack/1/")
        return dynamic_pod(cloud, request, AgentInfo(f"shop-attack-1-{uuid4().hex[:8]}", "nobody-waits-for-this-agent"))

    return pod
