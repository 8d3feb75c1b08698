"""The Jenkins chart's values: everything restricted, nothing guessable, no cloud but tenants', Jenkins home kept.

Names of values and what they lead to: jenkinsci/helm-charts, charts/jenkins 5.9.53, values.yaml and templates. Where a
value is here although the chart's default says the same, the default could change and undo what is promised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

Values = dict[str, Any]
# Versions that ran together on Jenkins 2.568.2 (jenkins-infra/docker-jenkins-lts, plugins.txt, 2026-08-11); the first
# four are those of chart 5.9.53. What they depend on comes in the least version that they ask for.
PLUGINS: Mapping[str, str] = {
    "kubernetes": "4540.v612369217f87",
    "workflow-aggregator": "608.v67378e9d3db_1",
    "git": "5.10.1",
    "configuration-as-code": "2115.vf6de120eef70",
    "workflow-multibranch": "841.vec5b_9e1806ec",
    "pipeline-groovy-lib": "798.v5cc688825312",
    "cloudbees-folder": "6.1106.v3a_d9a_6d2465e",
    "credentials-binding": "728.v902a_273b_8947",
    "plain-credentials": "199.v9f8e1f741799",
    "script-security": "1412.v7737b_3405f86",
    "job-dsl": "3654.vdf58f53e2d15",
    "matrix-auth": "3.3",
}
# Of the same list; only there where a folder's configuration asks for them.
OPTIONAL: Mapping[str, str] = {
    "github-branch-source": "1983.vfa_27ed961853",
    "ssh-credentials": "372.va_250881b_08cd",
}
RELOAD_TOKEN = "CASC_RELOAD_TOKEN"  # noqa: S105 (a key, not a token)
USER_KEY, PASSWORD_KEY = "jenkins-admin-user", "jenkins-admin-password"
KEEP = {"helm.sh/resource-policy": "keep"}
# The image puts JENKINS_SLAVE_AGENT_PORT, which the chart always sets, into this property unless it is there.
NO_TCP = "-Djenkins.model.Jenkins.slaveAgentPort=-1"
# What users add to stands behind what we need in these; any other list of theirs replaces ours.
_ADDED = (
    ("controller", "additionalExistingSecrets"),
    ("controller", "containerEnv"),
    ("controller", "sidecars", "configAutoReload", "envFrom"),
)
_ADDED_TEXT = ("controller", "javaOpts")
# The user and group of the controller's image (jenkinsci/docker), whose files Jenkins home holds.
_USER = {"runAsUser": 1000, "runAsGroup": 1000}
CONFINED = {
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
POD_SECURITY = {
    **_USER,
    "runAsNonRoot": True,
    "fsGroup": 1000,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}


def chart_values(
    settings: JenkinsSettings,
    scripts: Mapping[str, str],
    secrets: Sequence[Mapping[str, str]] = (),
    required: Sequence[str] = (),
) -> Values:
    """Give the values for one Jenkins, the user's laid over ours.

    Args:
        settings: what is wanted.
        scripts: JCasC by name of its file (jenkins_casc.config_scripts), safe for the chart's `tpl`.
        secrets: keys of Secrets that JCasC refers to, each `{name, keyName}` (jenkins_casc.additional_secrets).
        required: plugins that it needs (jenkins_casc.required_plugins).
    """
    ours: Values = {
        "fullnameOverride": settings.name,
        "controller": {
            **_image(settings, required),
            **_pod(settings),
            **_configuration(settings, scripts),
            **_doors(settings),
            "additionalExistingSecrets": [dict(one) for one in secrets],
        },
        "agent": {"enabled": False, "disableDefaultAgent": True},
        "rbac": {"create": False, "readSecrets": False},
        # Side-car and clouds use the token.
        "serviceAccount": {"create": True, "name": settings.service_account, "automountServiceAccountToken": True},
        "networkPolicy": {"enabled": False},
        "persistence": {
            "enabled": True,
            "size": settings.storage_size,
            "storageClass": settings.storage_class,
            "annotations": dict(KEEP),
        },
    }
    return merged(ours, settings.values)


def merged(ours: Mapping[str, Any], theirs: Mapping[str, Any], path: tuple[str, ...] = ()) -> Values:
    """Lay a user's values over ours: maps merged, anything else replaced, but for what _ADDED and _ADDED_TEXT name."""
    result = deepcopy(dict(ours))
    for key, value in theirs.items():
        mine, here = result.get(key), (*path, key)
        if isinstance(mine, Mapping) and isinstance(value, Mapping):
            result[key] = merged(mine, value, here)
        elif here in _ADDED and isinstance(value, list):
            result[key] = [*(mine or []), *deepcopy(value)]
        elif here == _ADDED_TEXT and mine and isinstance(value, str):
            result[key] = f"{mine} {value}"
        else:
            result[key] = deepcopy(value)
    return result


def plugins(settings: JenkinsSettings, required: Sequence[str]) -> list[str] | bool:
    """Name the plugins as the chart wants them, `name:version`; False where the image holds them."""
    if settings.image:
        return False
    wanted = {**PLUGINS, **{name: OPTIONAL[name] for name in required if name in OPTIONAL}, **settings.plugins}
    return [f"{name}:{version}" for name, version in wanted.items()]


def unpinned(settings: JenkinsSettings, required: Sequence[str]) -> list[str]:
    """Say which plugins the configuration needs and nobody has named a version of, a sentence each."""
    known = {*PLUGINS, *OPTIONAL, *settings.plugins}
    return [
        f"buildkeep_jenkins.plugins: {name} is needed by what buildkeep_jenkins.folders names, and has no version. "
        f"Write `{name}: <version>`, one that goes with the others."
        for name in required
        if name not in known and not settings.image
    ]


def _image(settings: JenkinsSettings, required: Sequence[str]) -> Values:
    image: Values = {"pullPolicy": "IfNotPresent"}
    if settings.image:
        registry, _, rest = settings.image.partition("/")
        tagged, _, digest = rest.partition("@")
        repository, _, tag = tagged.rpartition(":")
        image |= {"registry": registry, "repository": repository, "tag": f"{tag}@{digest}" if digest else tag}
    return {
        "image": image,
        "installPlugins": plugins(settings, required),
        # Else newer versions than the pinned ones come, and those that somebody added by hand stay.
        "installLatestPlugins": False,
        "installLatestSpecifiedPlugins": False,
        "overwritePlugins": True,
    }


def _pod(settings: JenkinsSettings) -> Values:
    return {
        "usePodSecurityContext": True,
        # Takes the place of runAsUser and fsGroup as a whole.
        "podSecurityContextOverride": deepcopy(POD_SECURITY),
        "containerSecurityContext": {**_USER, **deepcopy(CONFINED)},
        "hostNetworking": False,
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}},
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": "0"},
        # Its pod has no security context, and no value gives it one.
        "testEnabled": False,
        "admin": {
            "createSecret": True,  # mounts the Secret; none is made where one is named
            "existingSecret": settings.admin_secret,
            "userKey": USER_KEY,
            "passwordKey": PASSWORD_KEY,
        },
        "containerEnv": [
            # Wins over the chart's property casc.reload.token, which is the pod's name.
            {
                "name": RELOAD_TOKEN,
                "valueFrom": {"secretKeyRef": {"name": settings.reload_secret, "key": RELOAD_TOKEN}},
            },
            # A reference to a secret that is not there fails, in place of giving an empty password.
            {"name": "CASC_STRICT_SECRET_RESOLUTION", "value": "true"},
        ],
    }


def _configuration(settings: JenkinsSettings, scripts: Mapping[str, str]) -> Values:
    reload = f"http://localhost:8080/reload-configuration-as-code/?casc-reload-token=$({RELOAD_TOKEN})"
    return {
        "sidecars": {
            "configAutoReload": {
                "enabled": True,
                "containerSecurityContext": deepcopy(CONFINED),
                "resources": {
                    "requests": {"cpu": "10m", "memory": "64Mi"},
                    "limits": {"cpu": "200m", "memory": "128Mi"},
                },
                "searchNamespace": settings.namespace,
                # A list each 30 s is one reload for all that changed; a watch is one for each ConfigMap.
                "sleepTime": 30,
                "envFrom": [{"secretRef": {"name": settings.reload_secret}}],
                # The chart's URL holds its own token and cannot be set, but begins with this; `#` cuts the rest off.
                "scheme": f"{reload}#http",
            }
        },
        "JCasC": {
            # The default file always has one cloud; no value takes it out.
            "defaultConfig": False,
            "security": None,
            "securityRealm": "",
            "authorizationStrategy": "",
            "configScripts": dict(scripts),
        },
        "numExecutors": 0,
        "executorMode": "EXCLUSIVE",
    }


def _doors(settings: JenkinsSettings) -> Values:
    port = settings.agent_port
    doors: Values = {"agentListenerEnabled": bool(port), "agentListenerServiceType": "ClusterIP"}
    doors |= {"agentListenerPort": port} if port else {"javaOpts": NO_TCP}
    ingress, route = settings.ingress, settings.route
    doors["ingress"] = {"enabled": bool(ingress)}
    doors["httpRoute"] = {"enabled": bool(route)}
    if ingress:
        doors["ingress"] |= {
            "hostName": ingress["host"],
            "ingressClassName": ingress.get("className", ""),
            "annotations": dict(ingress.get("annotations", {})),
            "tls": [{"secretName": ingress["tlsSecret"], "hosts": [ingress["host"]]}],
        }
    if route:
        parent = {"name": route["gateway"], "namespace": route.get("namespace"), "sectionName": route["listener"]}
        doors["httpRoute"] |= {
            "hostnames": [route["host"]],
            "parentRefs": [{key: value for key, value in parent.items() if value}],
            "annotations": dict(route.get("annotations", {})),
        }
    return doors
