"""Whether the rendered controller is the one that was wanted: its names, its tokens, its side-car and its plugins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc import required_plugins
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_values import RELOAD_TOKEN
from ansible_collections.buildkeep.ci.plugins.module_utils.schema import Problem

Object = Mapping[str, Any]
_SIDECAR = "controller.sidecars.configAutoReload"
_PORT = "jenkins.model.Jenkins.slaveAgentPort"
# Properties that switch a protection of Jenkins off (jenkins.io, "Features controlled with system properties").
_NEVER = (
    "hudson.security.csrf.GlobalCrumbIssuerConfiguration.DISABLE_CSRF_PROTECTION=true",
    "hudson.security.csrf.DefaultCrumbIssuer.EXCLUDE_SESSION_ID=true",
    "hudson.model.ParametersAction.keepUndefinedParameters=true",
    "jenkins.security.s2m.",
    "casc.merge.strategy=override",
)
_PINNED = re.compile(r"[a-zA-Z0-9_-]+:[A-Za-z0-9][A-Za-z0-9._+-]*")
_UNPINNED = ("latest", "experimental", "incrementals")


def controller(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    """Find what of the controller is not as promised."""
    found = [one for one in objects if one["kind"] == "StatefulSet" and one["metadata"]["name"] == settings.name]
    if not found:
        text = f"no StatefulSet {settings.name} is rendered"
        remedy = "Leave it out; buildkeep_controller.name says how Jenkins is called."
        yield Problem("fullnameOverride", text, remedy)
        return
    spec = found[0]["spec"]["template"]["spec"]
    containers = {one["name"]: one for one in [*(spec.get("initContainers") or ()), *spec["containers"]]}
    yield from _account(spec, settings)
    yield from _volume(spec)
    yield from _jenkins(containers.get("jenkins") or {}, settings)
    yield from _sidecars(containers, settings)
    yield from _plugins(objects, settings)


def _account(spec: Object, settings: JenkinsSettings) -> Iterator[Problem]:
    if spec.get("serviceAccountName") != settings.service_account:
        text = f"the controller runs as {spec.get('serviceAccountName')}, not as {settings.service_account}"
        remedy = "Leave it out; buildkeep_controller.serviceAccount says as whom it runs."
        yield Problem("serviceAccount.name", text, remedy)
    if spec.get("automountServiceAccountToken") is False:
        text = "is false, and neither the side-car nor a cloud could reach the API server"
        yield Problem("serviceAccount.automountServiceAccountToken", text, "Write true.")


def _volume(spec: Object) -> Iterator[Problem]:
    home = [one for one in spec.get("volumes") or () if one.get("name") == "jenkins-home"]
    if not any("persistentVolumeClaim" in one for one in home):
        text = "Jenkins home is no claim's volume, and would go with the pod"
        yield Problem("persistence.enabled", text, "Write true, or name a claim in persistence.existingClaim.")


def _env(container: Object) -> dict[str, Any]:
    return {one["name"]: one for one in container.get("env") or ()}


def _value(container: Object, name: str) -> str:
    return str(_env(container).get(name, {}).get("value") or "")


def _jenkins(container: Object, settings: JenkinsSettings) -> Iterator[Problem]:
    source = _env(container).get(RELOAD_TOKEN, {}).get("valueFrom") or {}
    if "secretKeyRef" not in source:
        text = f"{RELOAD_TOKEN} is not taken from a Secret, so that the pod's name is the token that reloads Jenkins"
        yield Problem("controller.containerEnv", text, "Add to our list; do not set that variable.")
    java = _value(container, "JAVA_OPTS")
    ports = re.findall(rf"-D{re.escape(_PORT)}=(\S+)", java)
    if not settings.agent_port and (not ports or set(ports) != {"-1"}):
        text = (
            f"-D{_PORT}=-1 is missing or contradicted, so that Jenkins opens a port for agents until it is configured"
        )
        yield Problem("controller.javaOpts", text, "Set buildkeep_controller.agentPort where agents need a port.")
    for word in _NEVER:
        if word in java:
            yield Problem("controller.javaOpts", f"{word} switches a protection of Jenkins off", "Leave it out.")
    if _value(container, "CASC_MERGE_STRATEGY") == "override":
        text = "CASC_MERGE_STRATEGY is override, which lets one file change another's settings unseen"
        yield Problem("controller.containerEnv", text, "Leave it out.")
    places = _value(container, "CASC_JENKINS_CONFIG").split(",")
    if len(places) > 1:
        text = f"{', '.join(places[1:])} is configuration that nobody can judge here"
        yield Problem("controller.JCasC.configUrls", text, "Put the text into controller.JCasC.configScripts.")
    if not any(mount.get("mountPath") == "/run/secrets/additional" for mount in container.get("volumeMounts") or ()):
        text = "without it the administrator's Secret is not mounted"
        yield Problem("controller.admin.createSecret", text, "Write true; no Secret is made where one is named.")
    if settings.image and container.get("image") != settings.image:
        text = f"the controller's image is {container.get('image')}, not {settings.image}"
        yield Problem("controller.image", text, "Leave it out; buildkeep_jenkins.image says which it is.")


def _sidecars(containers: Mapping[str, Object], settings: JenkinsSettings) -> Iterator[Problem]:
    missing = [name for name in ("config-reload-init", "config-reload") if name not in containers]
    if missing:
        text = f"there is no container {missing[0]}, and no cloud of a tenant would reach Jenkins"
        yield Problem(f"{_SIDECAR}.enabled", text, "Write true.")
        return
    for name in ("config-reload-init", "config-reload"):
        place = _value(containers[name], "NAMESPACE")
        if place != settings.namespace:
            text = f"the side-car would load what is in {place}, where others may write"
            yield Problem(f"{_SIDECAR}.searchNamespace", text, f"Leave it out, or write {settings.namespace}.")
        if _value(containers[name], "LABEL") != settings.config_label:
            text = f"the side-car's label is {_value(containers[name], 'LABEL')}, not {settings.config_label}"
            yield Problem(f"{_SIDECAR}.env", text, "Leave LABEL out.")
    sent = _value(containers["config-reload"], "REQ_URL").partition("#")[0]
    if not sent.endswith(f"casc-reload-token=$({RELOAD_TOKEN})"):
        text = "the side-car would reload Jenkins with a token that is not in the Secret"
        yield Problem(f"{_SIDECAR}.scheme", text, "Leave it out.")
    sources = [one.get("secretRef", {}).get("name") for one in containers["config-reload"].get("envFrom") or ()]
    if settings.reload_secret not in sources:
        text = f"Secret {settings.reload_secret} is missing, so that the side-car has no token"
        yield Problem(f"{_SIDECAR}.envFrom", text, "Add to our list.")


def _plugins(objects: Sequence[Object], settings: JenkinsSettings) -> Iterator[Problem]:
    texts = next((one.get("data") or {} for one in objects if _is_start(one, settings)), {})
    script = texts.get("apply_config.sh", "")
    listed = (texts.get("plugins.txt") or "").split()
    if settings.image and listed:
        text = f"would download {', '.join(listed[:3])} although buildkeep_jenkins.image holds the plugins"
        yield Problem("controller.installPlugins", text, "Write false.")
    missing = sorted({*required_plugins(settings)} - {entry.partition(":")[0] for entry in listed})
    if missing and not settings.image:
        text = f"lacks {', '.join(missing)}, without which Jenkins refuses its configuration"
        yield Problem("controller.installPlugins", text, "Leave it out, and add to buildkeep_jenkins.plugins.")
    for entry in listed:
        if not _PINNED.fullmatch(entry) or entry.partition(":")[2] in _UNPINNED:
            text = f'"{entry}" has no exact version'
            yield Problem("controller.installPlugins", text, "Use buildkeep_jenkins.plugins, or write `name:version`.")
    if re.search(r"--latest(?! false)(?:\s|$)", script):
        text = "takes newer versions than those that are pinned"
        yield Problem("controller.installLatestPlugins", text, "Write false, and pin what needs to be newer.")
    if "--latest-specified" in script:
        text = "takes newer versions than those that are pinned"
        yield Problem("controller.installLatestSpecifiedPlugins", text, "Write false.")


def _is_start(item: Object, settings: JenkinsSettings) -> bool:
    return bool(item["kind"] == "ConfigMap" and item["metadata"]["name"] == settings.name)
