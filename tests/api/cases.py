"""One case for each rule about pods: a change that breaks this rule and no other, beside one that is admitted."""

from __future__ import annotations

from tests.api import pods
from tests.api.case import JNLP, REMOVE, TOOL, spec, tool, volume
from tests.api.cases_nodes import ANNOTATIONS, LABELS, PLACEMENT, RESOURCES
from tests.api.cases_volumes import IDENTITY, VOLUMES

SECURITY = f"{TOOL}/securityContext"
DOTS = f"{pods.BASE}/../evil:1"

IMAGES = (
    tool(
        "image",
        "docker.io/library/nginx:1",
        "docker.io/library/nginx:1",
        f"{pods.BASE}/nginx:1",
        rule="images/container",
    ),
    tool("image", DOTS, DOTS, f"{pods.BASE}/evil:1", rule="image-reference/container"),
    spec(
        "volumes/+",
        volume(image={"reference": "gcr.io/other/x:1"}),
        "gcr.io/other/x:1",
        rule="images/volume/image.reference",
    ),
    spec("volumes/+", volume(image={"reference": DOTS}), DOTS, rule="image-reference/volume/image.reference"),
    spec(
        "volumes",
        [volume(f"v{n}", emptyDir={}) for n in range(63)],
        "65",
        [volume(f"v{n}", emptyDir={}) for n in range(62)],
        rule="image-count/pod/spec.containers[*].image",
        also={f"{TOOL}/volumeMounts": [], f"{JNLP}/volumeMounts": []},
    ),
)
PODS = (
    spec("hostNetwork", True, "true", False, rule="pod"),
    spec("hostPID", True, "true", False, rule="pod"),
    spec("hostIPC", True, "true", False, rule="pod"),
    spec("shareProcessNamespace", True, "true", False, rule="pod"),
    spec("hostAliases", [{"ip": "10.0.0.9", "hostnames": ["ghcr.io"]}], "10.0.0.9", [], rule="pod"),
    spec("terminationGracePeriodSeconds", 3601, "3601", 3600, rule="pod"),
    spec("resourceClaims", [{"name": "gpu", "resourceClaimName": "g"}], "gpu", [], rule="pod"),
    spec(
        "dnsConfig",
        {"nameservers": ["10.0.0.9"], "options": [{"name": "ndots", "value": "1"}]},
        "nameservers",
        {"options": [{"name": "ndots", "value": "1"}]},
        rule="pod",
    ),
    spec("hostnameOverride", "other", "hostnameOverride", rule="pod/pod/spec"),
    spec("securityContext/runAsUser", 0, "0", 1000, rule="pod", also={f"{SECURITY}/runAsUser": 1000}),
    spec("securityContext/runAsNonRoot", False, "false", True, rule="pod"),
    spec("securityContext/seccompProfile/type", "Unconfined", "Unconfined", "RuntimeDefault", rule="pod"),
    spec("securityContext/appArmorProfile/type", "Unconfined", "Unconfined", "RuntimeDefault", rule="pod"),
    spec(
        "securityContext/seLinuxOptions", {"type": "spc_t"}, "spc_t", {"type": "container_t", "level": "s0"}, rule="pod"
    ),
    spec("securityContext/sysctls", [{"name": "kernel.sem", "value": "1"}], "kernel.sem", [], rule="pod"),
    spec(
        "securityContext/windowsOptions", {"runAsUserName": "x"}, "windowsOptions", rule="pod/pod/spec.securityContext"
    ),
)
SECURED = (
    tool("securityContext/privileged", True, "true", False, rule="container/container", base="rootless"),
    tool(
        "securityContext/procMount",
        "Unmasked",
        "Unmasked",
        "Default",
        rule="container/container",
        also={"spec/hostUsers": False},
    ),
    tool("securityContext/capabilities/drop", ["NET_RAW"], "NET_RAW", ["ALL"], rule="container/container"),
    tool("securityContext/appArmorProfile/type", "Unconfined", "Unconfined", "RuntimeDefault", rule="container/other"),
    tool("securityContext/seLinuxOptions", {"user": "root"}, "root", {"level": "s0"}, rule="container/container"),
    tool(
        "securityContext/windowsOptions",
        {"runAsUserName": "x"},
        "windowsOptions",
        rule="container/container/securityContext",
    ),
    tool(
        "ports",
        [{"containerPort": 80, "hostPort": 80}],
        "80",
        [{"containerPort": 80}],
        rule="container/container/ports[*].hostPort",
    ),
    tool(
        "restartPolicyRules",
        [{"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}],
        "restartPolicyRules",
        rule="container/container/container",
        also={f"{TOOL}/restartPolicy": "Never"},
    ),
    tool("securityContext/allowPrivilegeEscalation", REMOVE, "unset", False, rule="restricted/other"),
    tool(
        "securityContext/runAsNonRoot",
        False,
        "false",
        True,
        rule="restricted/other",
        also={f"{SECURITY}/runAsUser": 1000},
    ),
    tool("securityContext/runAsUser", 0, "0", 1000, rule="restricted/other"),
    tool("securityContext/capabilities/add", ["NET_RAW"], "NET_RAW", ["NET_BIND_SERVICE"], rule="restricted/other"),
    tool("securityContext/seccompProfile/type", "Unconfined", "Unconfined", "RuntimeDefault", rule="restricted/other"),
)
BUILDERS = (
    spec(
        "containers",
        [pods.kaniko("one"), pods.kaniko("two")],
        "one, two",
        [pods.kaniko("one")],
        rule="one-builder/pod/spec.containers",
        base="static",
    ),
    spec(
        "initContainers",
        [{**pods.tool("early"), "image": f"{pods.KANIKO}:v1"}],
        f"{pods.KANIKO}:v1",
        [pods.tool("early")],
        rule="builder/other/image",
        base="static",
    ),
    tool("securityContext/runAsUser", 1000, "1000", 0, rule="builder/builder", base="static"),
    tool("securityContext/allowPrivilegeEscalation", True, "true", False, rule="builder/builder", base="static"),
    tool(
        "securityContext/capabilities/add",
        ["CHOWN", "NET_RAW"],
        "NET_RAW",
        ["CHOWN"],
        rule="builder/builder",
        base="static",
    ),
    tool(
        "securityContext/seccompProfile",
        {"type": "Unconfined"},
        "Unconfined",
        {"type": "RuntimeDefault"},
        rule="builder/builder",
        base="static",
    ),
    tool(
        "securityContext/appArmorProfile",
        {"type": "Localhost", "localhostProfile": "buildkeep-kaniko"},
        "Localhost/buildkeep-kaniko",
        {"type": "Localhost", "localhostProfile": "buildkeep-rootless"},
        rule="builder/builder",
        base="rootless",
    ),
)
_GET, _EVIL = {"port": 80, "path": "/"}, {"port": 80, "path": "/", "host": "169.254.169.254"}
PROBES = (
    *(
        tool(
            f"{path}/terminationGracePeriodSeconds",
            3601,
            "3601",
            3600,
            rule=f"probes/container/{path}.terminationGracePeriodSeconds",
            also={f"{TOOL}/{path}": {"httpGet": _GET}},
        )
        for path in ("livenessProbe", "startupProbe")
    ),
    *(
        tool(
            path,
            {"httpGet": _EVIL},
            "169.254.169.254",
            {"httpGet": _GET},
            rule=f"probes/container/{path.replace('/', '.')}.*.host",
        )
        for path in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle/postStart", "lifecycle/preStop")
    ),
)
_HERE = (*IMAGES, *PODS, *SECURED, *BUILDERS, *VOLUMES, *IDENTITY, *PROBES)
CASES = (*_HERE, *PLACEMENT, *RESOURCES, *LABELS, *ANNOTATIONS)
