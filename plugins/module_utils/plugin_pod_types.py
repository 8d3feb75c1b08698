"""What type each field of a pod has in the Kubernetes plugin's model, and what becomes of a YAML scalar there.

The types are those of fabric8's kubernetes-model 7.3.1, which jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53 uses;
the conversions those of Jackson 2.19 with its defaults (`Serialization2`): for a switch `yes`, `1` and `"true"` are
true, for a number `"0"` is one and 1.5 is 1, and a text keeps the letters that the author wrote.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_BY_TYPE: Mapping[str, str] = {
    "flag": (
        "allowPrivilegeEscalation automountServiceAccountToken blockOwnerDeletion chapAuthDiscovery chapAuthSession"
        " controller enableServiceLinks hostIPC hostNetwork hostPID hostProcess hostUsers optional privileged readOnly"
        " readOnlyRootFilesystem runAsNonRoot setHostnameAsFQDN shareProcessNamespace sslEnabled stdin stdinOnce tty"
    ),
    "int": (
        "containerPort defaultMode failureThreshold hostPort initialDelaySeconds lun maxSkew minDomains mode"
        " partition periodSeconds priority successThreshold timeoutSeconds weight"
    ),
    "long": (
        "activeDeadlineSeconds deletionGracePeriodSeconds expirationSeconds fsGroup generation runAsGroup runAsUser"
        " seconds terminationGracePeriodSeconds tolerationSeconds"
    ),
    "amount": "divisor sizeLimit",
    "port": "port",
    "longs": "supplementalGroups",
    "texts": (
        "accessModes add args command drop finalizers hostnames matchLabelKeys mismatchLabelKeys monitors nameservers"
        " namespaces portals searches targetWWNs values wwids"
    ),
    "text map": "annotations labels matchLabels nodeSelector volumeAttributes",
    "amount map": "limits overhead requests",
    "objects": (
        "claims containers env envFrom ephemeralContainers hostAliases httpHeaders imagePullSecrets initContainers"
        " items managedFields matchExpressions matchFields nodeSelectorTerms ownerReferences ports"
        " preferredDuringSchedulingIgnoredDuringExecution readinessGates resizePolicy resourceClaims schedulingGates"
        " sources sysctls tolerations topologySpreadConstraints volumeDevices volumeMounts volumes"
    ),
    "object": (
        "affinity appArmorProfile awsElasticBlockStore azureDisk azureFile capabilities cephfs cinder"
        " clusterTrustBundle configMap configMapKeyRef configMapRef csi dataSource dataSourceRef dnsConfig downwardAPI"
        " emptyDir ephemeral exec fc fieldRef flexVolume flocker gcePersistentDisk gitRepo glusterfs grpc hostPath"
        " httpGet iscsi labelSelector lifecycle livenessProbe metadata namespaceSelector nfs nodeAffinity"
        " nodePublishSecretRef os persistentVolumeClaim photonPersistentDisk podAffinity podAffinityTerm"
        " podAntiAffinity portworxVolume postStart preStop preference projected quobyte rbd readinessProbe"
        " resourceFieldRef resources scaleIO seLinuxOptions seccompProfile secret secretKeyRef secretRef"
        " securityContext selector serviceAccountToken sleep spec startupProbe storageos tcpSocket valueFrom"
        " volumeClaimTemplate vsphereVolume windowsOptions"
    ),
    "text": (
        "apiGroup apiVersion audience cachingMode claimName conditionType containerName creationTimestamp datasetName"
        " datasetUUID deletionTimestamp devicePath directory diskName diskURI dnsPolicy driver effect endpoints"
        " fieldPath fieldsType fsGroupChangePolicy fsType gateway generateName gmsaCredentialSpec"
        " gmsaCredentialSpecName group host hostIP hostname imagePullPolicy initiatorName ip iqn iscsiInterface key"
        " keyring kind level localhostProfile manager medium mountPath mountPropagation name namespace"
        " nodeAffinityPolicy nodeName nodeTaintsPolicy operation operator path pdID pdName pool preemptionPolicy"
        " prefix priorityClassName procMount protectionDomain protocol pullPolicy recursiveReadOnly reference registry"
        " repository request resource resourceClaimName resourceClaimTemplateName resourceName resourceVersion"
        " restartPolicy revision role runAsUserName runtimeClassName schedulerName scheme seLinuxChangePolicy"
        " secretFile secretName selfLink server service serviceAccount serviceAccountName shareName signerName"
        " stopSignal storageClassName storageMode storagePolicyID storagePolicyName storagePool subPath subPathExpr"
        " subdomain subresource supplementalGroupsPolicy system targetContainerName targetPortal tenant"
        " terminationMessagePath terminationMessagePolicy time topologyKey type uid user value volume"
        " volumeAttributesClassName volumeID volumeMode volumeName volumeNamespace volumePath whenUnsatisfiable"
        " workingDir"
    ),
    # Two types in two places, told apart by what stands there.
    "text or object": "image",
    "objects or object": "requiredDuringSchedulingIgnoredDuringExecution",
    "objects or text map": "options",
}
TYPES: Mapping[str, str] = {name: kind for kind, names in _BY_TYPE.items() for name in names.split()}
# YAML 1.1 as snakeyaml 2 resolves what stands without quotes.
_PLAIN: Mapping[str, re.Pattern[str]] = {
    "null": re.compile(r"~|null|Null|NULL| |"),
    "bool": re.compile(r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF"),
    "int": re.compile(r"[-+]?(?:0b_*[01][01_]*|0[0-7_]+|0|[1-9][0-9_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*)"),
    "float": re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    ),
    "endless": re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
}
_TRUE = ("yes", "true", "on")
_DIGITS = re.compile(r"[+-]?[0-9]+")
_BASES = (("0b", 2), ("0x", 16), ("0", 8))


class WrongTypeError(Exception):
    """A value that a field's type does not take."""


@dataclass(frozen=True)
class Scalar:
    """A YAML scalar: its text as written, and what the plugin's parser takes it for."""

    text: str
    kind: str

    @classmethod
    def read(cls, text: str, plain: bool, tag: str | None) -> Scalar:
        """Resolve a scalar by its tag, or where it stands without quotes by its letters."""
        known = {"bool", "int", "float", "null", "str"}
        name = (tag or "").removeprefix("tag:yaml.org,2002:")
        if name in known:
            return cls(text, "text" if name == "str" else name)
        kinds = (kind for kind, pattern in _PLAIN.items() if pattern.fullmatch(text))
        return cls(text, next(kinds, "text") if plain and not tag else "text")

    def natural(self) -> Any:
        """Convert it for a field that the model does not know."""
        value = math.inf if self.kind == "endless" else _NATURAL[self.kind](self.text)
        if isinstance(value, float) and math.isinf(value):
            raise WrongTypeError("is no number")
        return value


def _integer(text: str) -> int:
    digits = text.replace("_", "").lstrip("+-").lower()
    base = next((base for prefix, base in _BASES if digits.startswith(prefix) and digits != "0"), 10)
    return int(digits.removeprefix("0b").removeprefix("0x") or "0", base) * (-1 if text.startswith("-") else 1)


def _float(text: str) -> float:
    return float(text.replace("_", ""))


_NATURAL: Mapping[str, Callable[[str], Any]] = {
    "null": lambda text: None,
    "bool": lambda text: text.lower() in _TRUE,
    "int": _integer,
    "float": _float,
    "text": str,
}


def _flag(scalar: Scalar) -> bool | None:
    if scalar.kind in ("null", "bool", "int"):
        value = scalar.natural()
        return None if value is None else bool(value)
    text = scalar.text.strip()
    if scalar.kind != "text" or text not in ("true", "True", "TRUE", "false", "False", "FALSE", "null", ""):
        raise WrongTypeError("is neither true nor false")
    return None if text in ("null", "") else text.lower() == "true"


def _whole(scalar: Scalar, bits: int) -> int | None:
    text = scalar.text.strip()
    if scalar.kind == "null" or (scalar.kind == "text" and text in ("null", "")):
        return None
    if scalar.kind == "text" and _DIGITS.fullmatch(text):
        value = int(text)
    elif scalar.kind in ("int", "float") and abs(scalar.natural()) < 2**bits:
        value = int(scalar.natural())
    else:
        raise WrongTypeError("is no whole number")
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise WrongTypeError(f"is no number of {bits} bits")
    return value


def _text(scalar: Scalar) -> str | None:
    if scalar.kind == "endless":
        raise WrongTypeError("is no text")
    return None if scalar.kind == "null" else scalar.text


def _amount(scalar: Scalar) -> str | None:
    """A `Quantity`: a number is written anew, as Java writes it."""
    value = scalar.natural()
    if value == "":
        raise WrongTypeError("is no quantity")
    if isinstance(value, bool):
        return str(value).lower()
    return value if value is None else str(value)


def _port(scalar: Scalar) -> int | str | None:
    value = scalar.natural()
    if isinstance(value, bool | float):
        raise WrongTypeError("is neither a whole number nor a name")
    return value if value is None or isinstance(value, str) else _whole(scalar, 32)


CONVERSIONS: Mapping[str, Callable[[Scalar], Any]] = {
    "flag": _flag,
    "int": lambda scalar: _whole(scalar, 32),
    "long": lambda scalar: _whole(scalar, 64),
    "text": _text,
    "amount": _amount,
    "port": _port,
    "natural": Scalar.natural,
}
