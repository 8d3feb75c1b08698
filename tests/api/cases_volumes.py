"""Cases of rules about what a pod mounts, and about who it is."""

from __future__ import annotations

from tests.api.case import JNLP, TOOL, mount, projected, spec, tool, volume

CSI = "secrets-store.csi.k8s.io"
SECRET_KEY = {"name": "X", "valueFrom": {"secretKeyRef": {"name": "cloud-key", "key": "k"}}}
MAP_KEY = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "k", "optional": True}}}

VOLUMES = (
    spec("volumes/+", volume(hostPath={"path": "/var/run/docker.sock"}), "hostPath", rule="volumes/volume/type"),
    spec(
        "volumes/+",
        volume(secret={"secretName": "cloud-key"}),
        "cloud-key",
        volume(secret={"secretName": "signing-key"}),
        rule="secrets/volume/secret.secretName",
    ),
    spec(
        "volumes/+",
        volume(csi={"driver": CSI, "nodePublishSecretRef": {"name": "cloud-key"}}),
        "cloud-key",
        volume(csi={"driver": CSI, "nodePublishSecretRef": {"name": "signing-key"}}),
        rule="secrets/volume/csi.nodePublishSecretRef.name",
    ),
    spec(
        "volumes/+",
        volume(csi={"driver": "hostpath.csi.k8s.io"}),
        "hostpath.csi.k8s.io",
        volume(csi={"driver": CSI}),
        rule="csi-drivers/volume/csi.driver",
    ),
    spec(
        "volumes/+",
        volume(persistentVolumeClaim={"claimName": "theirs"}),
        "theirs",
        volume(persistentVolumeClaim={"claimName": "maven-cache"}),
        rule="claims/volume/persistentVolumeClaim.claimName",
    ),
    tool(
        "volumeDevices",
        [{"name": "extra", "devicePath": "/dev/extra"}],
        "extra",
        rule="volumes/container",
        also={"spec/volumes/+": volume(persistentVolumeClaim={"claimName": "maven-cache"})},
    ),
    spec(
        "volumes/+",
        projected({"secret": {"name": "cloud-key"}}),
        "cloud-key",
        projected({"secret": {"name": "signing-key"}}),
        rule="secrets/volume/projected.sources[*].secret.name",
    ),
    spec(
        "volumes/+",
        projected({"clusterTrustBundle": {"name": "b", "path": "b"}}),
        "clusterTrustBundle",
        rule="volumes/volume/projected.sources",
    ),
    tool(
        "volumeMounts/+",
        {**mount("/x"), "subPathExpr": "$(X)"},
        "subPathExpr",
        rule="volumes/container/volumeMounts",
        also={f"{TOOL}/env": [{"name": "X", "value": "../.."}]},
    ),
    spec(
        "imagePullSecrets",
        [{"name": "cloud-key"}, {"name": "agent-dockercfg-x"}, {"name": "pusher-dockercfg-x"}],
        "cloud-key, pusher-dockercfg-x",
        [{"name": "signing-key"}, {"name": "agent-dockercfg-x"}, {"name": "registry-credentials"}],
        rule="secrets",
    ),
    tool("env", [SECRET_KEY], "cloud-key", [MAP_KEY], rule="secrets/container/env[*].valueFrom.secretKeyRef"),
    tool(
        "envFrom",
        [{"secretRef": {"name": "cloud-key"}}],
        "cloud-key",
        [{"configMapRef": {"name": "settings"}}],
        rule="secrets/container/envFrom[*].secretRef",
    ),
)
TOKEN_FOLDER = mount("/var/run/secrets/kubernetes.io/serviceaccount")
IDENTITY = (
    spec(
        "serviceAccountName",
        "deployer",
        "deployer",
        "pusher",
        rule="service-account",
        also={"spec/automountServiceAccountToken": False},
    ),
    # Mounts in the token's place keep the API server from adding a volume, which another rule refuses as well.
    spec(
        "automountServiceAccountToken",
        True,
        "true",
        False,
        rule="token",
        also={f"{TOOL}/volumeMounts": [TOKEN_FOLDER], f"{JNLP}/volumeMounts": [TOKEN_FOLDER]},
    ),
    spec(
        "volumes/+",
        projected({"serviceAccountToken": {"path": "t", "audience": "sts.amazonaws.com"}}),
        "for sts.amazonaws.com",
        rule="token/volume/projected.sources[*].serviceAccountToken",
    ),
)
