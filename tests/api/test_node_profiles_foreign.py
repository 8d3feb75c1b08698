"""A namespace that somebody else called buildkeep-system decides nothing about what runs on nodes."""

from __future__ import annotations

from ansible_collections.buildkeep.ci.plugins.module_utils import node_profiles
from ansible_collections.buildkeep.ci.plugins.module_utils.client_resources import connect
from ansible_collections.buildkeep.ci.plugins.module_utils.node_profiles_rollout import installed
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings
from ansible_collections.buildkeep.ci.plugins.module_utils.user_namespaces_probe import RECORD, record

from testbed.apiserver import ApiServer
from tests.api.api import Api

CORE = "/api/v1/namespaces"


def daemonset(image: str) -> dict[str, object]:
    """What somebody hopes is taken for ours."""
    labels = {"app.kubernetes.io/name": "node-profiles"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "remove", "image": image}]}}
    return {"metadata": {"name": "node-profiles"}, "spec": {"selector": {"matchLabels": labels}, "template": pod}}


def test_nothing_in_a_namespace_without_our_label_is_believed(admin: Api, api_server: ApiServer) -> None:
    """Only managers may set the label; whoever may make namespaces may write all else."""
    cluster, name = connect(str(api_server.kubeconfig())), "buildkeep-system"
    # Another test of this server may have made it already.
    admin.create(CORE, {"metadata": {"name": name}})
    admin.patch(f"{CORE}/{name}", {"metadata": {"labels": {"buildkeep.dev/tenant": None}}}).done()
    try:
        admin.create(f"/apis/apps/v1/namespaces/{name}/daemonsets", daemonset("evil.example/x:1")).done()
        admin.create(f"{CORE}/{name}/configmaps", {"metadata": {"name": RECORD}, "data": {"a": ""}}).done()
        found = installed(cluster)
        assert (found["there"], found["nodes"]) == (False, [])
        assert {"DaemonSet node-profiles", f"ConfigMap {RECORD}"} <= set(found["foreign"])
        assert record(cluster) == {}
        admin.patch(f"{CORE}/{name}", {"metadata": {"labels": {"buildkeep.dev/tenant": name}}}).done()
        assert installed(cluster)["there"] and record(cluster) == {"a": ""}
    finally:
        for path in (f"/apis/apps/v1/namespaces/{name}/daemonsets/node-profiles", f"{CORE}/{name}/configmaps/{RECORD}"):
            admin.request("DELETE", path)


def test_what_takes_profiles_away_has_the_inventorys_image_and_goes_to_every_linux_node() -> None:
    given = {
        "tenants": [{"name": "a", "nodes": {"selector": {"pool": "x"}}}],
        "node_profiles_image": "ghcr.io/acme/box:1",
    }
    for settings in (
        read_settings(given),
        read_settings({"state": "absent", "node_profiles_image": "ghcr.io/acme/box:1"}),
    ):
        found = node_profiles.system_objects(settings, removing=True)
        (workload,) = [item for item in found if item["kind"] == "DaemonSet"]
        spec = workload["spec"]["template"]["spec"]
        assert [one["image"] for one in spec["containers"]] == ["ghcr.io/acme/box:1"]
        required = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        assert [term["matchExpressions"][0]["key"] for term in required["nodeSelectorTerms"]] == ["kubernetes.io/os"]
        assert "pool" not in str(required)
