"""Cases of rules about what a pod asks of nodes, and about its labels and annotations."""

from __future__ import annotations

from tests.api.case import Case, spec, tool

TOLERATED = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "operator": "Exists"}


def spread(*keys: str) -> list[dict[str, object]]:
    """Constraints that spread a pod over nodes by labels of those."""
    return [{"topologyKey": key, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"} for key in keys]


_SPREAD = "placement/pod/spec.topologySpreadConstraints[*].topologyKey"
FREE = spread("kubernetes.io/hostname", "topology.kubernetes.io/zone", "topology.kubernetes.io/region")
PLACEMENT = (
    spec("nodeName", "control-plane", "control-plane", rule="placement"),
    spec("nodeSelector", {"pool": "db"}, "pool=db", {"kubernetes.io/arch": "arm64"}, rule="placement"),
    spec("affinity", {"podAntiAffinity": {}}, "podAntiAffinity", {}, rule="placement"),
    Case(
        _SPREAD,
        "spec/topologySpreadConstraints",
        [*FREE, *spread("node-role.kubernetes.io/control-plane")],
        "node-role.kubernetes.io/control-plane",
        [{**one, "nodeAffinityPolicy": "Ignore", "nodeTaintsPolicy": "Honor"} for one in FREE],
    ),
    spec("tolerations", [{"operator": "Exists"}], "every taint", [TOLERATED], rule="placement"),
    spec("priorityClassName", "system-node-critical", "system-node-critical", rule="placement"),
    spec("schedulerName", "mine", "mine", "default-scheduler", rule="placement"),
    spec("runtimeClassName", "weak", "weak", rule="placement"),
)
QUANTITIES = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
RESOURCES = (
    tool(
        "resources",
        {"limits": {**QUANTITIES, "smarter-devices/fuse": "1"}, "requests": {"smarter-devices/fuse": "1"}},
        "smarter-devices/fuse",
        {"limits": QUANTITIES},
        rule="resources/container",
    ),
    spec(
        "resources",
        {"limits": {"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "2Mi"}},
        "hugepages-2Mi",
        {"limits": {"cpu": "1", "memory": "1Gi"}},
        rule="resources",
    ),
)
LABELS = (
    Case(
        "tenant-label/label/metadata.labels['buildkeep.dev/tenant']",
        "metadata/labels/buildkeep.dev~tenant",
        "blog",
        "blog",
        "shop",
    ),
    Case(
        "reserved-labels/label/metadata.labels", "metadata/labels/buildkeep.dev~egress", "all", "buildkeep.dev/egress"
    ),
    Case(
        "reserved-labels/label/metadata.labels['aadpodidbinding']", "metadata/labels/aadpodidbinding", "owner", "owner"
    ),
)
ANNOTATIONS = (
    Case(
        "annotations/annotation/metadata.annotations",
        "metadata/annotations/k8s.v1.cni.cncf.io~networks",
        "kube-system/host",
        "k8s.v1.cni.cncf.io/networks",
    ),
)
