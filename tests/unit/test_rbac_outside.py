"""What a controller outside of the cluster is given."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.rbac_outside import KINDS, outside
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

CLUSTER = {"url": "https://kubernetes.example.com:6443", "credentialsId": "cluster-token"}


def made(**cluster: Any) -> dict[str, dict[str, Any]]:
    """The objects by kind and name, for a controller `ci` of the namespace `outside`."""
    controller = {"namespace": "outside", "serviceAccount": "ci", "url": "https://jenkins.example.com/ci", **cluster}
    objects = outside(read_settings({"tenants": [{"name": "shop"}], "controller": controller}))
    assert {one["metadata"]["namespace"] for one in objects} <= {"outside"}
    assert {f"{one['apiVersion']}/{one['kind']}" for one in objects} <= set(KINDS)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in objects}


def test_inside_of_the_cluster_nothing_is_needed() -> None:
    assert made() == {}


def test_outside_there_is_an_account_and_what_tokens_are_bound_to() -> None:
    found = made(cluster=CLUSTER)
    assert list(found) == ["ServiceAccount/ci", "Secret/ci-token"]
    assert found["ServiceAccount/ci"]["automountServiceAccountToken"] is False
    assert "data" not in found["Secret/ci-token"]


def test_a_cron_job_renews_the_token() -> None:
    found = made(cluster={**CLUSTER, "renewal": {"secret": "login", "hours": 9, "image": "registry.example.com/py:3"}})
    name = "ci-token-renewal"
    assert [key for key in found if key.endswith(name)] == [
        f"{kind}/{name}" for kind in ("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "CronJob")
    ]
    assert found[f"Role/{name}"]["rules"] == [
        {"apiGroups": [""], "resources": ["serviceaccounts/token"], "resourceNames": ["ci"], "verbs": ["create"]}
    ]
    job = found[f"CronJob/{name}"]["spec"]
    assert job["schedule"] == "17 */3 * * *"
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == "registry.example.com/py:3"
    assert {one["name"]: one["value"] for one in container["env"]}["JENKINS_URL"] == "https://jenkins.example.com/ci/"
    assert pod["volumes"][1]["secret"] == {"secretName": "login", "defaultMode": 0o440}
    compile(found[f"ConfigMap/{name}"]["data"]["renew.py"], "renew.py", "exec")


@pytest.mark.parametrize(("hours", "step"), [(3, 1), (24, 8), (168, 12)])
def test_it_is_renewed_while_the_old_one_lives(hours: int, step: int) -> None:
    found = made(cluster={**CLUSTER, "renewal": {"secret": "login", "hours": hours}})
    assert found["CronJob/ci-token-renewal"]["spec"]["schedule"] == f"17 */{step} * * *"


@pytest.mark.parametrize(
    ("renewal", "told"),
    [
        ({"secret": "login", "hours": 2}, "buildkeep_controller.cluster.renewal.hours: 2 is less than 3"),
        ({"hours": 3}, "buildkeep_controller.cluster.renewal.secret: is missing. Name the Secret with `user` and `tok"),
    ],
)
def test_what_is_wrong_is_told(renewal: dict[str, Any], told: str) -> None:
    with pytest.raises(BuildkeepError) as caught:
        made(cluster={**CLUSTER, "renewal": renewal})
    assert told in str(caught.value)
