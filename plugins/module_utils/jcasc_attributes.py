"""Every attribute of `jenkins.clouds[].kubernetes` that Configuration as Code takes, as one table.

Read from the setters and constructors of jenkinsci/kubernetes-plugin a82d78a (4423.vb_59f230b_ce53 and what came after
it); of 4540.v612369217f87, which chart 5.9.53 pins, there was no source to read. Configuration as Code refuses what is
marked deprecated, such as the attributes that stand for the first container's, and so does the table by not having
them. Not here either: `nodeProperties`, whose attributes are other plugins', `traits`, of which the plugin brings none,
and what only its own code sets (`yamls`, `readonlyFromUi`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Attribute:
    """One attribute.

    Attributes:
        kind: `text`, `flag`, `number`, `object`, `list` (of an object), `variant`, `variants` (a list), or `word`.
        of: name in OBJECTS of an object or list, in VARIANTS of a variant, or in WORDS of a word.
        default: what the plugin takes where nothing is given.
        required: whether the plugin's constructor asks for it.
        schema: what is narrower than the kind.
    """

    kind: str
    of: str = ""
    default: Any = None
    required: bool = False
    schema: Mapping[str, Any] = field(default_factory=dict)


def _texts(*names: str, required: bool = False) -> dict[str, Attribute]:
    return dict.fromkeys(names, Attribute("text", default="", required=required))


def _flags(*names: str, default: bool | None = False) -> dict[str, Attribute]:
    return dict.fromkeys(names, Attribute("flag", default=default))


def _number(default: int | None, least: int = 0, required: bool = False) -> Attribute:
    return Attribute("number", default=default, required=required, schema={"minimum": least})


def _many(of: str) -> Attribute:
    return Attribute("list", of, ())


_DIGITS = {"pattern": "^[0-9]*$"}
_COUNT = Attribute("text", default="", schema=_DIGITS)
_IDENTITY = Attribute("text", schema=_DIGITS)
_AMOUNTS = tuple(
    f"resource{kind}{what}" for kind in ("Request", "Limit") for what in ("Cpu", "Memory", "EphemeralStorage")
)
_PAIR = {**_texts("key", required=True), "value": Attribute("text", default="")}
_CLAIM = _texts("accessModes", "requestsSize", "storageClassName")

OBJECTS: Mapping[str, Mapping[str, Attribute]] = {
    "cloud": {
        **_texts("name", required=True),
        **_texts("namespace", "jenkinsUrl", "jenkinsTunnel", "credentialsId", "serverUrl", "serverCertificate"),
        **_texts("jnlpregistry", "defaultsProviderTemplate"),
        **_flags("webSocket", "directConnection", "restrictedPssSecurityContext", "usageRestricted"),
        **_flags("useJenkinsProxy", "addMasterProxyEnvVars"),
        # The plugin would take `true` too: then whoever is between Jenkins and the API server has the token.
        "skipTlsVerify": Attribute("flag", default=False, schema={"enum": [False]}),
        "containerCapStr": _COUNT,
        "containerCap": _number(None),
        "maxRequestsPerHostStr": _COUNT,
        "maxRequestsPerHost": _number(32),
        "retentionTimeout": _number(5),
        "connectTimeout": _number(5),
        "readTimeout": _number(15),
        "waitForPodSec": _number(600),
        "podLabels": Attribute("list", "label", ({"key": "jenkins", "value": "slave"},)),
        "podRetention": Attribute("word", "podRetention", "never"),
        "garbageCollection": Attribute("object", "garbageCollection"),
        "templates": _many("template"),
    },
    "template": {
        **_texts("id", "name", "namespace", "label", "inheritFrom", "nodeSelector", "serviceAccount", "schedulerName"),
        **_texts("agentContainer", "yaml", "supplementalGroups"),
        **_flags("agentInjection", "inheritYamlMergeStrategy"),
        **_flags("showRawYaml", default=True),
        **_flags("hostNetwork", default=None),
        "nodeUsageMode": Attribute("text", schema={"enum": ["NORMAL", "EXCLUSIVE"]}),
        "runAsUser": _IDENTITY,
        "runAsGroup": _IDENTITY,
        **dict.fromkeys(("idleMinutesStr", "activeDeadlineSecondsStr", "instanceCapStr"), _COUNT),
        "slaveConnectTimeoutStr": _COUNT,
        "idleMinutes": _number(0),
        "activeDeadlineSeconds": _number(0),
        "instanceCap": _number(None),
        "slaveConnectTimeout": _number(1000),
        "terminationGracePeriodSeconds": _number(None),
        "envVars": Attribute("variants", "envVar", ()),
        "annotations": _many("annotation"),
        "imagePullSecrets": _many("pullSecret"),
        "volumes": Attribute("variants", "volume", ()),
        "workspaceVolume": Attribute("variant", "workspaceVolume"),
        "containers": _many("container"),
        "yamlMergeStrategy": Attribute("word", "yamlMergeStrategy"),
        "podRetention": Attribute("word", "podRetention", "default"),
    },
    "container": {
        **_texts("name", "image", required=True),
        **_texts("command", "args", "workingDir", "shell", *_AMOUNTS),
        **_flags("ttyEnabled", "privileged", "alwaysPullImage"),
        "runAsUser": _IDENTITY,
        "runAsGroup": _IDENTITY,
        "envVars": Attribute("variants", "envVar", ()),
        "livenessProbe": Attribute("object", "probe"),
        "ports": _many("port"),
    },
    "probe": {
        **_texts("execArgs"),
        **dict.fromkeys(("timeoutSeconds", "initialDelaySeconds", "failureThreshold"), _number(0)),
        **dict.fromkeys(("periodSeconds", "successThreshold"), _number(0)),
    },
    "port": {**_texts("name", required=True), "containerPort": _number(None, required=True), "hostPort": _number(None)},
    "label": _PAIR,
    "annotation": _PAIR,
    "pullSecret": _texts("name", required=True),
    "garbageCollection": {**_texts("namespaces"), "timeout": _number(0, 120, required=True)},
    "keyValue": _PAIR,
    "secretKey": {**_texts("key", "secretName", "secretKey", required=True), **_flags("optional")},
    "configMapVolume": {
        **_texts("mountPath", "configMapName", required=True),
        **_flags("optional"),
        **_texts("subPath"),
    },
    "claimVolume": {**_texts("mountPath", required=True), **_CLAIM},
    "emptyDirVolume": {**_texts("mountPath", required=True), **_flags("memory")},
    "hostPathVolume": {**_texts("hostPath", "mountPath", required=True), **_flags("readOnly")},
    "nfsVolume": {**_texts("serverAddress", "serverPath", "mountPath", required=True), **_flags("readOnly")},
    "existingClaimVolume": {**_texts("mountPath", "claimName", required=True), **_flags("readOnly")},
    "secretVolume": {
        **_texts("mountPath", "secretName", required=True),
        "defaultMode": Attribute("text", default="", schema={"pattern": "^[0-7]*$"}),
        **_flags("optional"),
    },
    "claimWorkspace": _CLAIM,
    "emptyDirWorkspace": {**_flags("memory"), **_texts("sizeLimit")},
    "hostPathWorkspace": _texts("hostPath", required=True),
    "nfsWorkspace": {**_texts("serverAddress", "serverPath", required=True), **_flags("readOnly")},
    "existingClaimWorkspace": {**_texts("claimName", required=True), **_flags("readOnly")},
}
# Classes by symbol, of which one is chosen.
VARIANTS: Mapping[str, Mapping[str, str]] = {
    "envVar": {"envVar": "keyValue", "secretEnvVar": "secretKey"},
    "volume": {
        "configMapVolume": "configMapVolume",
        "dynamicPVC": "claimVolume",
        "emptyDirVolume": "emptyDirVolume",
        "genericEphemeralVolume": "claimVolume",
        "hostPathVolume": "hostPathVolume",
        "nfsVolume": "nfsVolume",
        "persistentVolumeClaim": "existingClaimVolume",
        "secretVolume": "secretVolume",
    },
    "workspaceVolume": {
        "dynamicPVC": "claimWorkspace",
        "emptyDirWorkspaceVolume": "emptyDirWorkspace",
        "genericEphemeralVolume": "claimWorkspace",
        "hostPathWorkspaceVolume": "hostPathWorkspace",
        "nfsWorkspaceVolume": "nfsWorkspace",
        "persistentVolumeClaimWorkspaceVolume": "existingClaimWorkspace",
    },
}
# Symbols of classes that have no attributes.
WORDS: Mapping[str, tuple[str, ...]] = {
    "podRetention": ("always", "default", "evicted", "never", "onFailure"),
    "yamlMergeStrategy": ("merge", "override"),
}
