"""The pods by which each rule about pods is proven: a good pod, and one change for each rule that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.names import DOMAIN, LABEL_TENANT, SA_AGENT
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import Profile, Profiles

Pod = dict[str, Any]
Change = Callable[[Pod], Any]

_FOREIGN = "canary.buildkeep.invalid/foreign:1"  # RFC 2606: no registry has this name
_PROBE = {"httpGet": {"port": 80, "host": "192.0.2.1"}}
_LASTING = {"httpGet": {"port": 80}, "terminationGracePeriodSeconds": 3601}


def agent_pod(profiles: Profiles, tenant: str, image: str = "") -> Pod:
    """Make a pod that meets every rule, the image's own aside.

    Args:
        profiles: the profile table.
        tenant: value of the tenant label.
        image: the container's image; the agent's where empty.
    """
    container = {
        "name": "canary",
        "image": image or profiles.agent_image,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "canary", "labels": {LABEL_TENANT: tenant}},
        "spec": {"serviceAccountName": SA_AGENT, "restartPolicy": "Never", "containers": [container]},
    }


def builder_pod(profiles: Profiles, tenant: str, profile: Profile) -> Pod:
    """Make a pod of one builder, as its profile says and with nothing else in it."""
    pod = agent_pod(profiles, tenant, profile.image)
    pod["spec"]["serviceAccountName"] = profile.service_account
    kind, _, file = profile.seccomp.partition("/")
    pod["spec"]["containers"][0]["securityContext"] = {
        "allowPrivilegeEscalation": profile.allow_privilege_escalation,
        "runAsUser": profile.run_as_user,
        "runAsGroup": profile.run_as_group,
        **({"runAsNonRoot": True} if profile.run_as_user else {}),
        "capabilities": {"drop": ["ALL"], "add": list(profile.capabilities_add)},
        "seccompProfile": {"type": kind, **({"localhostProfile": file} if file else {})},
    }
    return pod


def _spec(**fields: Any) -> Change:
    return lambda pod: pod["spec"].update(fields)


def _pod_context(**fields: Any) -> Change:
    return lambda pod: pod["spec"].update(securityContext=fields)


def _container(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def _context(**fields: Any) -> Change:
    return lambda pod: pod["spec"]["containers"][0]["securityContext"].update(fields)


def _volume(**source: Any) -> Change:
    return lambda pod: pod["spec"].update(volumes=[{"name": "canary", **source}])


def _metadata(field: str, key: str, value: str) -> Change:
    return lambda pod: pod["metadata"].setdefault(field, {}).update({key: value})


def _many(count: int) -> Change:
    return lambda pod: pod["spec"].update(volumes=[{"name": f"v{n}", "emptyDir": {}} for n in range(count)])


# Rule.key -> the change that breaks it. Fields of Windows are only valid without those of Linux.
OF_AGENT: Mapping[str, Change] = {
    "image-count/pod/spec.containers[*].image": _many(64),
    "image-reference/container/image": _container(image="canary"),
    "images/container/image": _container(image=_FOREIGN),
    "image-reference/volume/image.reference": _volume(image={"reference": "canary"}),
    "images/volume/image.reference": _volume(image={"reference": _FOREIGN}),
    "container/container/securityContext.privileged": _context(privileged=True, allowPrivilegeEscalation=True),
    "container/container/securityContext.capabilities.drop": _context(capabilities={}),
    "container/other/securityContext.appArmorProfile.type": _context(appArmorProfile={"type": "Unconfined"}),
    "container/container/securityContext.seLinuxOptions": _context(seLinuxOptions={"type": "spc_t"}),
    "container/container/ports[*].hostPort": _container(ports=[{"containerPort": 80, "hostPort": 80}]),
    "restricted/other/securityContext.allowPrivilegeEscalation": _context(allowPrivilegeEscalation=True),
    "restricted/other/securityContext.runAsNonRoot": _context(runAsNonRoot=False),
    "restricted/other/securityContext.runAsUser": _context(runAsUser=0),
    "restricted/other/securityContext.capabilities.add": _context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}),
    "restricted/other/securityContext.seccompProfile.type": _context(seccompProfile={"type": "Unconfined"}),
    "pod/pod/spec.hostNetwork": _spec(hostNetwork=True),
    "pod/pod/spec.hostPID": _spec(hostPID=True),
    "pod/pod/spec.hostIPC": _spec(hostIPC=True),
    "pod/pod/spec.shareProcessNamespace": _spec(shareProcessNamespace=True),
    "pod/pod/spec.hostAliases": _spec(hostAliases=[{"ip": "192.0.2.1", "hostnames": ["canary"]}]),
    "pod/pod/spec.terminationGracePeriodSeconds": _spec(terminationGracePeriodSeconds=3601),
    "pod/pod/spec.securityContext.runAsUser": _pod_context(runAsUser=0),
    "pod/pod/spec.securityContext.runAsNonRoot": _pod_context(runAsNonRoot=False),
    "pod/pod/spec.securityContext.seccompProfile.type": _pod_context(seccompProfile={"type": "Unconfined"}),
    "pod/pod/spec.securityContext.appArmorProfile.type": _pod_context(appArmorProfile={"type": "Unconfined"}),
    "pod/pod/spec.securityContext.seLinuxOptions": _pod_context(seLinuxOptions={"type": "spc_t"}),
    "pod/pod/spec.securityContext.sysctls": _pod_context(sysctls=[{"name": "kernel.shm_rmid_forced", "value": "0"}]),
    "pod/pod/spec.securityContext": _pod_context(windowsOptions={"runAsUserName": "canary"}),
    "container/container/securityContext": _context(windowsOptions={"runAsUserName": "canary"}),
    "service-account/pod/spec.serviceAccountName": _spec(serviceAccountName="default"),
    "token/pod/spec.automountServiceAccountToken": _spec(automountServiceAccountToken=True),
    "token/volume/projected.sources[*].serviceAccountToken": _volume(
        projected={"sources": [{"serviceAccountToken": {"path": "token"}}]}
    ),
    "tenant-label/label/metadata.labels['buildkeep.dev/tenant']": _metadata("labels", LABEL_TENANT, "other"),
    "reserved-labels/label/metadata.labels": _metadata("labels", f"{DOMAIN}/canary", "x"),
    "reserved-labels/label/metadata.labels['aadpodidbinding']": _metadata("labels", "aadpodidbinding", "canary"),
    "placement/pod/spec.nodeName": _spec(nodeName="canary"),
    "placement/pod/spec.nodeSelector": _spec(nodeSelector={"canary.buildkeep.invalid/x": "x"}),
    "placement/pod/spec.affinity": _spec(affinity={"podAntiAffinity": {}}),
    "placement/pod/spec.topologySpreadConstraints[*].topologyKey": _spec(
        topologySpreadConstraints=[{"topologyKey": "canary", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}]
    ),
    "placement/pod/spec.tolerations": _spec(tolerations=[{"operator": "Exists"}]),
    "placement/pod/spec.priorityClassName": _spec(priorityClassName="system-node-critical"),
    "placement/pod/spec.schedulerName": _spec(schedulerName="canary.buildkeep.invalid"),
    "annotations/annotation/metadata.annotations": _metadata("annotations", "canary.buildkeep.invalid/x", "x"),
    "resources/container/resources": _container(resources={"limits": {"canary.buildkeep.invalid/device": "1"}}),
    "resources/pod/spec.resources": _spec(resources={"limits": {"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "2Mi"}}),
    "pod/pod/spec.dnsConfig": _spec(dnsConfig={"searches": ["canary.buildkeep.invalid"]}),
    "secrets/container/env[*].valueFrom.secretKeyRef": _container(
        env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "canary", "key": "a"}}}]
    ),
    "secrets/container/envFrom[*].secretRef": _container(envFrom=[{"secretRef": {"name": "canary"}}]),
    "secrets/volume/secret.secretName": _volume(secret={"secretName": "canary"}),
    "secrets/volume/projected.sources[*].secret.name": _volume(projected={"sources": [{"secret": {"name": "canary"}}]}),
    "secrets/pod/spec.imagePullSecrets": _spec(imagePullSecrets=[{"name": "canary"}]),
    "claims/volume/persistentVolumeClaim.claimName": _volume(persistentVolumeClaim={"claimName": "canary"}),
    "csi-drivers/volume/csi.driver": _volume(csi={"driver": "canary.buildkeep.invalid"}),
    "secrets/volume/csi.nodePublishSecretRef.name": _volume(
        csi={"driver": "canary.buildkeep.invalid", "nodePublishSecretRef": {"name": "canary"}}
    ),
    "volumes/container/volumeDevices": lambda pod: (
        _volume(persistentVolumeClaim={"claimName": "canary"})(pod),
        _container(volumeDevices=[{"name": "canary", "devicePath": "/dev/canary"}])(pod),
    ),
    "volumes/volume/type": _volume(hostPath={"path": "/var/run/docker.sock"}),
    "volumes/container/volumeMounts": lambda pod: (
        _volume(emptyDir={})(pod),
        _container(volumeMounts=[{"name": "canary", "mountPath": "/canary", "subPathExpr": "a"}])(pod),
    ),
    **{f"probes/container/{name}.*.host": _container(**{name: _PROBE}) for name in ("livenessProbe", "readinessProbe")},
    "probes/container/startupProbe.*.host": _container(startupProbe=_PROBE),
    **{
        f"probes/container/{name}.terminationGracePeriodSeconds": _container(**{name: _LASTING})
        for name in ("livenessProbe", "startupProbe")
    },
    "probes/container/lifecycle.postStart.*.host": _container(lifecycle={"postStart": _PROBE}),
    "probes/container/lifecycle.preStop.*.host": _container(lifecycle={"preStop": _PROBE}),
}
# The same for rules about the builder's container: changes of a pod that is as its profile says.
OF_BUILDER: Mapping[str, Change] = {
    "one-builder/pod/spec.containers": lambda pod: pod["spec"]["containers"].append(
        {**pod["spec"]["containers"][0], "name": "second"}
    ),
    "builder/other/image": _spec(serviceAccountName=SA_AGENT),
    "builder/builder/securityContext.runAsUser": _context(runAsUser=4242),
    "builder/builder/securityContext.allowPrivilegeEscalation": _context(allowPrivilegeEscalation=True),
    "builder/builder/securityContext.capabilities.add": _context(capabilities={"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "builder/builder/securityContext.seccompProfile": _context(seccompProfile={"type": "Unconfined"}),
    "builder/builder/securityContext.appArmorProfile": _context(appArmorProfile={"type": "Unconfined"}),
}
# Fields that the API server keeps by default only from a version on; an older one drops them without a word.
SINCE: Mapping[str, str] = {
    "image-reference/volume/image.reference": "1.35",  # KEP-4639
    "images/volume/image.reference": "1.35",
    "resources/pod/spec.resources": "1.35",  # KEP-2837
}
# Rules that no create request can break on a cluster as it is, and why.
OF_NONE: Mapping[str, str] = {
    "volumes/volume/projected.sources": "the API server drops other sources where their feature is off",
    "pod/pod/spec.ephemeralContainers": "only an update of a running pod can add one",
    "pod/pod/spec.resourceClaims": "the API server drops the field where the feature is off",
    "templates/pod/spec": "holds only in tenants that may use templates alone, and is tried in each of those",
    "pod/pod/spec": "needs a field that no Kubernetes of today has",
    "container/container/container": "needs a field that no Kubernetes of today has",
    "container/container/securityContext.procMount": "the API server itself wants a user namespace for it first",
    "placement/pod/spec.runtimeClassName": "the API server itself wants the RuntimeClass to exist first",
}


def of_builder(profile: Profile) -> dict[str, Change]:
    """Give what breaks a rule about builders, but for what this builder may do."""
    allowed = {"builder/builder/securityContext.allowPrivilegeEscalation": profile.allow_privilege_escalation}
    return {key: change for key, change in OF_BUILDER.items() if not allowed.get(key, False)}
