"""Random pods: an honest agent with some fields that matter for security set at random, good and bad."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.api import pods
from tests.api.pods import Object

_LOCALHOST = {"type": "Localhost", "localhostProfile": "buildkeep/rootless.json"}
_PROFILES: Sequence[Any] = (
    None,
    {"type": "RuntimeDefault"},
    {"type": "RuntimeDefault"},
    {"type": "Unconfined"},
    _LOCALHOST,
)
_SELINUX: Sequence[Any] = (
    None,
    *(
        {"type": name}
        for name in ("container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t", "")
    ),
    *({"level": "s0:c1,c2"}, {"user": "system_u"}, {"role": "system_r"}, {"type": "container_t", "user": ""}),
)
_WINDOWS: Sequence[Any] = (None, {"hostProcess": True}, {"hostProcess": False}, {"runAsUserName": "ContainerUser"})
_HANDLERS: Sequence[Any] = (
    {"httpGet": {"port": 80}},
    {"httpGet": {"port": 80, "host": ""}},
    {"httpGet": {"port": 80, "host": "127.0.0.1"}},
    {"httpGet": {"port": 80, "host": "169.254.169.254"}},
    {"tcpSocket": {"port": 80}},
    {"tcpSocket": {"port": 80, "host": "10.0.0.9"}},
    {"exec": {"command": ["true"]}},
)
# Values by path below a container; those that are written twice are drawn twice as often.
CONTAINER: Mapping[str, Sequence[Any]] = {
    "securityContext/privileged": (None, False, False, True),
    "securityContext/allowPrivilegeEscalation": (False, False, None, True),
    "securityContext/runAsNonRoot": (True, True, None, False),
    "securityContext/runAsUser": (None, 1, 1000, 65535, 0),
    "securityContext/runAsGroup": (None, 0, 1000),
    "securityContext/readOnlyRootFilesystem": (None, True, False),
    "securityContext/procMount": (None, "Default", "Default", "Unmasked"),
    "securityContext/capabilities": (
        {"drop": ["ALL"]},
        {"drop": ["ALL"], "add": []},
        None,
        {"drop": ["NET_RAW"]},
        {"add": ["KILL"]},
    ),
    "securityContext/capabilities/drop": (["ALL"], ["ALL", "KILL"], ["KILL", "ALL"], ["all"], []),
    "securityContext/capabilities/add": (
        *(None, [], ["NET_BIND_SERVICE"], ["CHOWN"], ["SYS_ADMIN"], ["NET_RAW"], ["ALL"]),
        *(["NET_BIND_SERVICE", "SETUID"], ["CAP_NET_BIND_SERVICE"], ["AUDIT_WRITE", "MKNOD"]),
    ),
    "securityContext/seccompProfile": _PROFILES,
    "securityContext/appArmorProfile": _PROFILES,
    "securityContext/seLinuxOptions": _SELINUX,
    "securityContext/windowsOptions": _WINDOWS,
    "securityContext": (None, {}, pods.RESTRICTED),
    "ports": (
        [{"containerPort": 80}],
        [{"containerPort": 80, "hostPort": 80}],
        [{"containerPort": 1, "hostIP": "127.0.0.1"}],
    ),
    "livenessProbe": _HANDLERS,
    "readinessProbe": _HANDLERS,
    "startupProbe": _HANDLERS,
    "lifecycle/postStart": (*_HANDLERS, {"sleep": {"seconds": 1}}),
    "lifecycle/preStop": _HANDLERS,
    "image": (f"{pods.BASE}/x:1", f"{pods.BASE}/y:2", "gcr.io/team:1", "docker.io/evil/x:1"),
    "stdin": (True, False),
    "resources": ({"limits": {"cpu": "1"}}, {"limits": {"memory": "1Gi"}, "requests": {"cpu": "1m"}}),
    "imagePullPolicy": ("Always", "IfNotPresent"),
}
_SOURCES: Sequence[Object] = (
    *({"emptyDir": {}}, {"emptyDir": {"medium": "Memory"}}, {"configMap": {"name": "x"}}, {"downwardAPI": {}}),
    *({"projected": {"sources": [{"configMap": {"name": "x"}}]}}, {"secret": {"secretName": "registry-credentials"}}),
    *({"image": {"reference": f"{pods.BASE}/x:1"}}, {"hostPath": {"path": "/"}}, {"nfs": {"server": "x", "path": "/"}}),
    *(
        {"persistentVolumeClaim": {"claimName": "x"}},
        {"csi": {"driver": "x.csi.example"}},
        {"gitRepo": {"repository": "x"}},
    ),
    *(
        {"emptyDir": {}, "hostPath": {"path": "/"}},
        {"portworxVolume": {"volumeID": "x"}},
        {"glusterfs": {"endpoints": "x", "path": "x"}},
    ),
)
_ANNOTATIONS = "metadata/annotations"
_APPARMOR = f"{_ANNOTATIONS}/container.apparmor.security.beta.kubernetes.io"
POD: Mapping[str, Sequence[Any]] = {
    "spec/hostNetwork": (None, False, True),
    "spec/hostPID": (None, False, True),
    "spec/hostIPC": (None, False, True),
    "spec/hostUsers": (None, True, False),
    "spec/shareProcessNamespace": (None, False, True),
    "spec/os": ({"name": "linux"}, {"name": "windows"}),
    "spec/securityContext/runAsNonRoot": (None, True, False),
    "spec/securityContext/runAsUser": (None, 1000, 1, 0),
    "spec/securityContext/runAsGroup": (None, 0, 1000),
    "spec/securityContext/supplementalGroups": ([0], [1000]),
    "spec/securityContext/fsGroup": (0, 1000),
    "spec/securityContext/seccompProfile": _PROFILES,
    "spec/securityContext/appArmorProfile": _PROFILES,
    "spec/securityContext/seLinuxOptions": _SELINUX,
    "spec/securityContext/windowsOptions": _WINDOWS,
    "spec/securityContext/sysctls": (
        *([], [{"name": "net.ipv4.tcp_syncookies", "value": "1"}], [{"name": "kernel.msgmax", "value": "1"}]),
        *(
            [{"name": "kernel/shm_rmid_forced", "value": "1"}],
            [{"name": "net.ipv4.ip_local_port_range", "value": "1 2"}],
        ),
    ),
    "spec/volumes/+": tuple({"name": "extra", **source} for source in _SOURCES),
    "spec/serviceAccountName": ("agent", "pusher", "builder-kaniko"),
    f"{_APPARMOR}~tool": ("runtime/default", "unconfined", "localhost/x"),
    f"{_APPARMOR}~kaniko": ("runtime/default", "unconfined"),
    f"{_ANNOTATIONS}/seccomp.security.alpha.kubernetes.io~pod": ("runtime/default", "unconfined"),
    f"{_ANNOTATIONS}/team": ("a",),
    "spec/terminationGracePeriodSeconds": (0, 30, 3600, 3601),
}
_PLACES = (
    "spec/containers/0",
    "spec/containers/0",
    "spec/containers/1",
    "spec/initContainers/0",
    "spec/initContainers/1",
)


# Drawn more often: what the builder is given may also be too much.
_OFTEN = ("securityContext/capabilities/add", "securityContext/seccompProfile", "securityContext/privileged")
_PATHS = (*sorted(CONTAINER), *_OFTEN, *_OFTEN)
# What the API server takes only together.
_TOGETHER: Sequence[Mapping[str, Any]] = (
    {"spec/hostUsers": False, "spec/containers/0/securityContext/procMount": "Unmasked"},
    {
        "spec/containers/0/securityContext/privileged": True,
        "spec/containers/0/securityContext/allowPrivilegeEscalation": True,
    },
    {"spec/hostNetwork": True, "spec/securityContext/windowsOptions": {"hostProcess": True}},
    {"spec/hostUsers": False, "spec/containers/0/securityContext/runAsNonRoot": None},
    {"spec/hostUsers": False, "spec/containers/0/securityContext/runAsUser": 0},
)
Edit = tuple[tuple[str, Any], ...]


def _edits() -> st.SearchStrategy[list[Edit]]:
    """Some changes (path, value); one of a container that is not there is left out by whoever makes them."""
    of_container = st.tuples(st.sampled_from(_PLACES), st.sampled_from(_PATHS)).flatmap(
        lambda place: st.sampled_from([(("/".join(place), value),) for value in CONTAINER[place[1]]])
    )
    of_pod = st.sampled_from(sorted(POD)).flatmap(
        lambda path: st.sampled_from([((path, value),) for value in POD[path]])
    )
    together = st.sampled_from([tuple(one.items()) for one in _TOGETHER])
    one = st.integers(0, 19).flatmap(lambda kind: together if kind == 0 else of_container if kind < 13 else of_pod)
    return st.lists(one, max_size=4)


@st.composite
def agents(draw: st.DrawFn) -> Object:
    """A random pod."""
    agent = pods.BASES[draw(st.sampled_from(("dynamic", "dynamic", "dynamic", "static", "static", "rootless")))]()
    early, beside = pods.tool("early"), {**pods.tool("beside"), "restartPolicy": "Always"}
    made = draw(st.sampled_from(([], [], [early], [early, beside])))
    if made:
        agent["spec"]["initContainers"] = made
    for path, value in (change for edit in draw(_edits()) for change in edit):
        if not path.startswith(f"spec/initContainers/{len(made)}") and (made or "initContainers" not in path):
            agent = pods.put(agent, path, value)
    return agent


@st.composite
def debuggers(draw: st.DrawFn) -> Object:
    """A random ephemeral container, without the fields that the API takes in no such container."""
    container = {**pods.tool("debugger"), "volumeMounts": []}
    paths = [path for path in _PATHS if path.startswith("securityContext") or path == "image"]
    edit = st.sampled_from(paths).flatmap(lambda path: st.sampled_from([(path, value) for value in CONTAINER[path]]))
    for path, value in draw(st.lists(edit, min_size=1, max_size=3)):
        container = pods.put(container, path, value)
    return container


BUILDERS = {
    "builder-kaniko": f"{pods.KANIKO}:",
    "builder-rootless": pods.rootless()["image"].partition("@")[0] + "@",
}


def has_builder(agent: Object) -> bool:
    """Whether a container may have what the builder's profile says."""
    image = BUILDERS.get(agent["spec"].get("serviceAccountName"), "no builder")
    return any(one["image"].startswith(image) for one in agent["spec"]["containers"])


def without_builder(agent: Object) -> Object:
    """The same pod without the builder's container, and without annotations about it."""
    whole = agent["spec"]["containers"]
    rest = [one for one in whole if not one["image"].startswith(BUILDERS[agent["spec"]["serviceAccountName"]])]
    names = {one["name"] for one in whole} - {one["name"] for one in rest}
    kept = {key: value for key, value in agent["metadata"]["annotations"].items() if key.split("/")[-1] not in names}
    return pods.put(pods.put(agent, "spec/containers", rest), "metadata/annotations", kept)
