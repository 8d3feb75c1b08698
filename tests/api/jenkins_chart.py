"""Renders the Jenkins chart as the role does, and knows what must never come out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_helm import Helm
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_judging import judge
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_plugin import values
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

from testbed.tools import tool

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "jenkins-chart"
REAL = os.environ.get("JENKINS_CHART", "")
VERSION = "v1.37.0"
HOST = {"host": "jenkins.example.com"}
# Every way in which an inventory shapes the chart's objects.
WAYS: Mapping[str, Mapping[str, Any]] = {
    "as it is": {},
    "ingress": {"ingress": {**HOST, "tlsSecret": "tls", "className": "nginx", "annotations": {"a": "b"}}},
    "route": {"route": {**HOST, "gateway": "public", "namespace": "gateways", "listener": "https"}},
    "TCP": {"agent_port": 50000},
    "image": {"image": "registry.example.com/ci/jenkins:1@sha256:" + 64 * "0"},
    "other names": {"namespace": "ci", "name": "leeroy", "service_account": "robot", "storage_class": "fast"},
    "user's values": {
        "values": {
            "controller": {
                "javaOpts": "-Xmx3g",
                "containerEnv": [{"name": "TZ", "value": "UTC"}],
                "nodeSelector": {"pool": "ci"},
                "JCasC": {"configScripts": {"mine": "unclassified: {mailer: {smtpHost: mail.example.com}}"}},
            }
        }
    },
}


def settings_of(chart: str, **given: Any) -> JenkinsSettings:
    """Settings for a chart on this machine."""
    found = JenkinsSettings(chart=chart, **given)
    return replace(found, version=version_of(chart))


def version_of(chart: str) -> str:
    """The version that a chart's folder says it is."""
    lines = (Path(chart) / "Chart.yaml").read_text(encoding="utf-8").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith("version:"))


def rendered(settings: JenkinsSettings) -> list[dict[str, Any]]:
    """Everything that the chart gives for them."""
    helm = Helm(str(tool("helm")), settings)
    with helm.chart():
        return helm.render(values(settings), VERSION)


def refusals(chart: str) -> Iterator[tuple[str, str, list[str]]]:
    """For each of BREAKS its value, its words, and what is said of the chart with it."""
    helm = Helm(str(tool("helm")), settings_of(chart))
    with helm.chart():
        for value, written, words in BREAKS:
            settings = settings_of(chart, values=nested(value, written))
            yield value, words, judge(helm.render(values(settings), VERSION), settings)


def nested(path: str, value: Any) -> dict[str, Any]:
    """A mapping with one value deep in it, `a.b.c`."""
    head, _, rest = path.partition(".")
    return {head: nested(rest, value) if rest else value}


SCRIPTS = "controller.JCasC.configScripts"
RELOAD = "controller.sidecars.configAutoReload"
ADMIN = "user: {name: x, permissions: [Overall/Administer]}"
BAD_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "extra"},
    "spec": {"containers": [{"name": "a", "image": "x"}]},
}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "extra"}, "rules": []}
# Value, what somebody could write there, and words of the refusal besides the value's name.
BREAKS: tuple[tuple[str, Any, str], ...] = (
    ("fullnameOverride", "other", "buildkeep_controller.name"),
    ("namespaceOverride", "other", "would be in namespace other"),
    ("extraObjects", [BAD_POD], "allowPrivilegeEscalation"),
    ("extraObjects", [ROLE], "gives rights"),
    ("rbac.create", True, "gives rights"),
    ("serviceAccount.name", "other", "runs as other"),
    ("serviceAccount.automountServiceAccountToken", False, "could reach the API server"),
    ("persistence.enabled", False, "would go with the pod"),
    ("persistence.annotations", {"helm.sh/resource-policy": "delete"}, "would go with the release"),
    ("controller.podSecurityContextOverride", {"seccompProfile": None}, "seccompProfile"),
    ("controller.podSecurityContextOverride", {"seccompProfile": {"type": None}}, "seccompProfile"),
    ("controller.podSecurityContextOverride", {"runAsNonRoot": None}, "runAsNonRoot"),
    ("controller.podSecurityContextOverride", {"runAsUser": None}, "runAsUser is missing"),
    ("controller.containerSecurityContext", {"capabilities": None}, "capabilities.drop"),
    ("controller.containerSecurityContext", {"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation"),
    ("controller.containerSecurityContext", {"runAsUser": 0}, "runAsUser is 0"),
    ("controller.hostNetworking", True, "hostNetwork is true"),
    ("controller.resources", {"limits": None}, "resources.limits"),
    ("controller.customInitContainers", [{"name": "mine", "image": "x"}], 'container "mine"'),
    ("controller.sidecars.additionalSidecarContainers", [{"name": "mine", "image": "x"}], 'container "mine"'),
    ("persistence.volumes", [{"name": "docker", "hostPath": {"path": "/var/run"}}], "of the type hostPath"),
    ("controller.testEnabled", True, "no value can make restricted"),
    (f"{RELOAD}.containerSecurityContext", {"capabilities": None}, "capabilities.drop"),
    (f"{RELOAD}.resources", {"limits": {"cpu": None}}, "no cpu"),
    (f"{RELOAD}.enabled", False, "no cloud of a tenant"),
    (f"{RELOAD}.searchNamespace", "ALL", "where others may write"),
    (f"{RELOAD}.scheme", "http", "not in the Secret"),
    ("controller.javaOpts", "-Djenkins.model.Jenkins.slaveAgentPort=50000", "contradicted"),
    (
        "controller.javaOpts",
        "-Dhudson.security.csrf.GlobalCrumbIssuerConfiguration.DISABLE_CSRF_PROTECTION=true",
        "switches a protection",
    ),
    ("controller.containerEnv", [{"name": "CASC_MERGE_STRATEGY", "value": "override"}], "unseen"),
    ("controller.admin.createSecret", False, "not mounted"),
    ("controller.admin.existingSecret", "", "kept in the release"),
    ("controller.additionalSecrets", [{"name": "a", "value": "b"}], "additionalExistingSecrets"),
    ("controller.agentListenerEnabled", True, "connect by WebSocket"),
    ("controller.serviceType", "LoadBalancer", "plain http"),
    ("controller.installPlugins", ["git"], "no exact version"),
    ("controller.installPlugins", ["git:latest"], "no exact version"),
    ("controller.installPlugins", ["git:1"], "lacks cloudbees-folder, configuration-as-code"),
    ("controller.installLatestPlugins", True, "newer versions"),
    ("controller.installLatestSpecifiedPlugins", True, "newer versions"),
    ("controller.JCasC.defaultConfig", True, "the cloud kubernetes"),
    ("controller.JCasC.configUrls", ["https://example.com/a.yaml"], "nobody can judge"),
    ("controller.JCasC.configMapAnnotations", {"k8s-sidecar-target-directory": "/x"}, "anywhere in Jenkins home"),
    (f"{SCRIPTS}.mine", "jenkins: {clouds: [{kubernetes: {name: mine}}]}", "the cloud mine"),
    (f"{SCRIPTS}.mine", "jenkins: {numExecutors: 2}", "buildkeep-base.yaml as well"),
    (f"{SCRIPTS}.mine", "jenkins: {a: {password: hunter2}}", "a secret in the open"),
    (f"{SCRIPTS}.mine", "jenkins: [", "is no YAML"),
    (f"{SCRIPTS}.buildkeep-base", "jenkins: {}", "jenkins.clouds is missing"),
)
