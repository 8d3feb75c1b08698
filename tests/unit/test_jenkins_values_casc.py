"""What of the configuration breaks a promise, all files taken together."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc import config_scripts
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_judging_casc import configuration
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings

SETTINGS = JenkinsSettings(administrators=({"group": "admins"},))
GOOD = {f"{name}.yaml": text for name, text in config_scripts(SETTINGS, ()).items()}
EVERYBODY = {
    "projectMatrix": {"entries": [{"group": {"name": "authenticated", "permissions": ["Overall/Administer"]}}]}
}


def config(name: str, text: str, **metadata: Any) -> dict[str, Any]:
    """A ConfigMap of the side-car's label."""
    labels = {SETTINGS.config_label: "true"}
    return {"kind": "ConfigMap", "metadata": {"name": name, "labels": labels, **metadata}, "data": {name: text}}


def told(*extra: dict[str, Any], **changed: Any) -> str:
    """What is said of our files, with keys of the base file's `jenkins` or `security` changed, and of more."""
    base = yaml.safe_load(GOOD["buildkeep-base.yaml"])
    for key, value in changed.items():
        base["security" if key in ("scriptApproval", "globalJobDslSecurityConfiguration") else "jenkins"][key] = value
    texts = {**GOOD, "buildkeep-base.yaml": yaml.safe_dump(base)}
    objects = [*(config(name, text) for name, text in texts.items()), *extra]
    return "\n".join(map(str, configuration(objects, SETTINGS)))


def test_what_we_write_keeps_every_promise() -> None:
    assert told() == ""
    assert told({"kind": "ConfigMap", "metadata": {"name": "other"}, "data": {"x.yaml": "jenkins: ["}}) == ""


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("numExecutors", 1, "jenkins.numExecutors is not 0"),
        ("numExecutors", False, "jenkins.numExecutors is not 0"),
        ("slaveAgentPort", 50000, "jenkins.slaveAgentPort is not -1"),
        ("scriptApproval", {"forceSandbox": False}, "security.scriptApproval.forceSandbox is not true"),
        ("globalJobDslSecurityConfiguration", {"useScriptSecurity": False}, "seed jobs would run anything"),
        ("crumbIssuer", None, "no protection from forged requests"),
        ("authorizationStrategy", "unsecured", "everybody may do everything"),
        ("authorizationStrategy", {"loggedInUsersCanDoAnything": {}}, "everybody may do everything"),
        ("authorizationStrategy", EVERYBODY, "makes authenticated an administrator"),
        ("securityRealm", None, "nobody would have to log in"),
        ("securityRealm", {"local": {"allowsSignup": True}}, "everybody could make an account"),
        ("clouds", [{"kubernetes": {"name": "mine"}}], "adds the cloud mine"),
    ],
)
def test_each_promise_that_is_broken_is_told(key: str, value: object, words: str) -> None:
    assert words in told(**{key: value})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "configScripts.x: is no YAML"),
        ("text", "configScripts.x: is no mapping"),
        ("jenkins: {mode: NORMAL}", "jenkins.mode stands in buildkeep-base.yaml as well"),
        ("unclassified: {a: [{clientSecret: hunter2}]}", "unclassified.a[0].clientSecret: holds a secret in the open"),
    ],
)
def test_a_file_of_the_users_own_is_looked_at(text: str, words: str) -> None:
    said = told(config("x.yaml", text))
    assert words in said and "hunter2" not in said


def test_what_makes_the_side_car_write_or_fetch_is_refused() -> None:
    annotated = config("x.yaml", "a: {}", annotations={"k8s-sidecar-target-directory": "/"})
    assert "write anywhere in Jenkins home" in told(annotated)
    assert "makes the side-car fetch" in told(config("x.url", "http://x"))


def test_a_reference_is_no_secret() -> None:
    assert told(config("x.yaml", "unclassified: {a: {password: '${a-b}', token: ''}}")) == ""
