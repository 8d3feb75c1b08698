"""What Pod Security `restricted` says of a pod, as far as a pod alone can tell; and the resources that quotas ask for.

The API server has the last word, by a dry run; this names the field and runs where there is no cluster. Source of each
row: kubernetes.io, "Pod Security Standards" (Kubernetes 1.37), which `restricted` inherits from `baseline` too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
_KINDS = ("initContainers", "containers", "ephemeralContainers")
# Volume types of `restricted`.
_VOLUMES = frozenset(
    ("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret")
)
_SECCOMP = ("RuntimeDefault", "Localhost")
_SELINUX = ("", "container_t", "container_init_t", "container_kvm_t", "container_engine_t")
_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        *(f"net.ipv4.ip_{name}" for name in ("local_port_range", "unprivileged_port_start", "local_reserved_ports")),
        *(f"net.ipv4.tcp_{name}" for name in ("syncookies", "fin_timeout", "rmem", "wmem")),
        *(f"net.ipv4.tcp_keepalive_{name}" for name in ("time", "intvl", "probes")),
        "net.ipv4.ping_group_range",
    }
)
_HANDLERS = (("livenessProbe",), ("readinessProbe",), ("startupProbe",))
_HOOKS = (("lifecycle", "postStart"), ("lifecycle", "preStop"))
_CAPABILITY = "NET_BIND_SERVICE"


@dataclass(frozen=True)
class Fault:
    """One thing that `restricted` refuses.

    Attributes:
        container: name of the container; empty for the pod.
        field: path within the container, or within the pod's spec.
        text: what is wrong.
    """

    container: str
    field: str
    text: str


def containers(spec: Object) -> Iterator[Object]:
    """Yield every container of a pod's spec, of each kind."""
    for kind in _KINDS:
        yield from spec.get(kind) or ()


def faults(spec: Object, annotations: Mapping[str, str] | None = None) -> Iterator[Fault]:
    """Find what `restricted` refuses.

    Args:
        spec: of a pod.
        annotations: of the pod, where AppArmor stood before it had a field.
    """
    for field, text in [*_pod(spec), *_annotations(annotations or {})]:
        yield Fault("", field, text)
    for container in containers(spec):
        for rule in _RULES:
            for field, text in rule(container, spec.get("securityContext") or {}):
                yield Fault(container["name"], field, text)


def resourceless(spec: Object) -> Iterator[Fault]:
    """Find containers without a limit or request of CPU or memory; a ResourceQuota on them would refuse the pod."""
    for container in containers(spec):
        given = container.get("resources") or {}
        for part in ("requests", "limits"):
            missing = [name for name in ("cpu", "memory") if not (given.get(part) or {}).get(name)]
            if missing:
                yield Fault(container["name"], f"resources.{part}", f"has no {' and no '.join(missing)}")


def nameless(spec: Object) -> Iterator[Fault]:
    """Find containers whose user only the image names: kubelet starts none that it cannot tell from root."""
    pod = spec.get("securityContext") or {}
    for container in containers(spec):
        if (container.get("securityContext") or {}).get("runAsUser", pod.get("runAsUser")) is None:
            yield Fault(container["name"], "securityContext.runAsUser", "is missing")


Found = Iterator[tuple[str, str]]


def _pod(spec: Object) -> Found:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key, "is true"
    for volume in spec.get("volumes") or ():
        kinds = set(volume) - {"name"} - _VOLUMES
        if kinds:
            yield f'volumes["{volume.get("name")}"]', f"is of the type {', '.join(sorted(kinds))}"
    security = spec.get("securityContext") or {}
    for sysctl in security.get("sysctls") or ():
        if sysctl.get("name") not in _SYSCTLS:
            yield "securityContext.sysctls", f"sets {sysctl.get('name')}"
    yield from _identity(security)
    yield from _confinement(security)


def _annotations(annotations: Mapping[str, str]) -> Found:
    for key, value in annotations.items():
        confined = value == "runtime/default" or value.startswith("localhost/")
        if key.startswith("container.apparmor.security.beta.kubernetes.io/") and not confined:
            yield f'annotation "{key}"', f'is "{value}"'


def _identity(security: Object) -> Found:
    if security.get("runAsUser") == 0:
        yield "securityContext.runAsUser", "is 0"
    windows = security.get("windowsOptions") or {}
    if windows.get("hostProcess"):
        yield "securityContext.windowsOptions.hostProcess", "is true"


def _confinement(security: Object) -> Found:
    selinux = security.get("seLinuxOptions") or {}
    if (selinux.get("type") or "") not in _SELINUX or selinux.get("user") or selinux.get("role"):
        yield "securityContext.seLinuxOptions", "sets a type, user or role of its own"
    apparmor = (security.get("appArmorProfile") or {}).get("type")
    if apparmor not in (None, *_SECCOMP):
        yield "securityContext.appArmorProfile.type", f"is {apparmor}"
    seccomp = (security.get("seccompProfile") or {}).get("type")
    if seccomp not in (None, *_SECCOMP):
        yield "securityContext.seccompProfile.type", f"is {seccomp}"


def _of(container: Object) -> Object:
    return container.get("securityContext") or {}


def _privilege(container: Object, pod: Object) -> Found:
    security = _of(container)
    if security.get("privileged"):
        yield "securityContext.privileged", "is true"
    if security.get("allowPrivilegeEscalation") is not False:
        yield "securityContext.allowPrivilegeEscalation", "is not false"
    if security.get("procMount") not in (None, "Default"):
        yield "securityContext.procMount", f"is {security['procMount']}"


def _capabilities(container: Object, pod: Object) -> Found:
    capabilities = _of(container).get("capabilities") or {}
    if "ALL" not in (capabilities.get("drop") or ()):
        yield "securityContext.capabilities.drop", "does not hold ALL"
    added = [name for name in capabilities.get("add") or () if name != _CAPABILITY]
    if added:
        yield "securityContext.capabilities.add", f"holds {', '.join(added)}"


def _user(container: Object, pod: Object) -> Found:
    security = _of(container)
    own = security.get("runAsNonRoot")
    if own is False or (own is None and pod.get("runAsNonRoot") is not True):
        yield "securityContext.runAsNonRoot", "is not true"
    if not any((one.get("seccompProfile") or {}).get("type") for one in (security, pod)):
        yield "securityContext.seccompProfile.type", "is missing"
    yield from _identity(security)
    yield from _confinement(security)


def _host(container: Object, pod: Object) -> Found:
    for port in container.get("ports") or ():
        if port.get("hostPort"):
            yield "ports.hostPort", f"is {port['hostPort']}"
    for path in (*_HANDLERS, *_HOOKS):
        handler: Any = container
        for step in path:
            handler = (handler or {}).get(step)
        for kind in ("httpGet", "tcpSocket"):
            if ((handler or {}).get(kind) or {}).get("host"):
                yield f"{'.'.join(path)}.{kind}.host", f"is {handler[kind]['host']}"


_RULES: Sequence[Callable[[Object, Object], Found]] = (_privilege, _capabilities, _user, _host)
