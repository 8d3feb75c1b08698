"""Jenkins' own configuration: nobody and nothing comes in that nobody let in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_casc import (
    additional_secrets,
    base,
    config_scripts,
    for_chart,
    required_plugins,
    text_of,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

REGISTRY = {"id": "registry", "kind": "usernamePassword", "secret": "shop-registry"}
OIC = {"oic": {"clientId": "jenkins", "clientSecret": "${oic-secret}"}}


@dataclass(frozen=True)
class Tenant:
    """All that a folder needs of a tenant."""

    name: str


def jenkins(**settings: Any) -> Any:
    return base(JenkinsSettings(**settings))["jenkins"]


def problems(**given: Any) -> list[str]:
    with pytest.raises(BuildkeepError) as caught:
        read_settings({"tenants": [{"name": "shop"}], "jenkins": given})
    return list(caught.value.problems)


def test_no_build_runs_on_the_controller_and_no_cloud_stays_behind() -> None:
    made = jenkins()
    assert (made["numExecutors"], made["mode"], made["clouds"]) == (0, "EXCLUSIVE", [])


def test_tcp_agents_come_in_only_where_there_is_a_port_for_them() -> None:
    assert [jenkins(agent_port=port)["slaveAgentPort"] for port in (0, 50000)] == [-1, 50000]


def test_nobody_but_administrators_may_do_more_than_look() -> None:
    made = jenkins(administrators=({"group": "ops"}, {"user": "mia"}))["authorizationStrategy"]
    entries = made["projectMatrix"]["entries"]
    found = [(kind, one["name"], one["permissions"]) for entry in entries for kind, one in entry.items()]
    assert found == [
        ("user", "${chart-admin-username}", ["Overall/Administer"]),
        ("group", "ops", ["Overall/Administer"]),
        ("user", "mia", ["Overall/Administer"]),
        ("group", "authenticated", ["Overall/Read"]),
    ]


def test_the_administrators_name_means_nothing_in_another_realm() -> None:
    made = jenkins(realm=OIC, administrators=({"group": "ops"},))
    assert made["securityRealm"] == OIC
    assert "chart-admin" not in str(made)


def test_users_beside_the_administrator_are_kept_and_nobody_signs_up() -> None:
    mia = {"id": "mia", "password": "${mia-password}"}
    local = jenkins(realm={"local": {"users": [mia]}})["securityRealm"]["local"]
    assert local["allowsSignup"] is False
    assert [user["id"] for user in local["users"]] == ["${chart-admin-username}", "mia"]


def test_scripts_of_authors_run_in_the_sandbox() -> None:
    made = base(JenkinsSettings())
    assert made["security"]["scriptApproval"] == {"forceSandbox": True}
    assert made["security"]["globalJobDslSecurityConfiguration"] == {"useScriptSecurity": True}
    assert made["unclassified"]["globalLibraries"] == {"libraries": []}


def test_forms_are_guarded_and_text_is_no_markup() -> None:
    made = jenkins()
    assert (made["crumbIssuer"], made["markupFormatter"]) == ("standard", "plainText")
    assert not made.keys() & {"agentProtocols", "remotingSecurity"}, "dropped in core: Jenkins would not start"


def test_only_what_is_meant_to_becomes_a_secret() -> None:
    text = text_of(base(JenkinsSettings(url="http://j/${jenkins-admin-password}", administrators=({"group": "${x}"},))))
    assert sorted({part.split("}")[0] for part in text.replace("^${", "").split("${")[1:]}) == [
        *("chart-admin-password", "chart-admin-username"),
    ]


def test_two_files_hold_the_words_for_which_the_chart_looks() -> None:
    scripts = config_scripts(JenkinsSettings(), [Tenant("shop")])
    assert list(scripts) == ["buildkeep-base", "buildkeep-folders"]
    assert "securityRealm:" in scripts["buildkeep-base"]
    assert "authorizationStrategy:" in scripts["buildkeep-base"]
    _, folders, credentials = (one["script"] for one in yaml.safe_load(scripts["buildkeep-folders"])["jobs"])
    assert folders.startswith("folder('shop') {\n")
    assert credentials.startswith("import ")


@pytest.mark.parametrize("text", ["a{{ .Values.x }}b", "{{{", "{{/* {{", "}} {{ }}", "{ {"])
def test_text_that_looks_like_a_template_is_none(text: str) -> None:
    assert for_chart(text).replace('{{ "{{" }}', "\0").count("{{") == 0
    assert for_chart(text).replace('{{ "{{" }}', "{{") == text


def test_yaml_gives_back_what_went_in() -> None:
    document = {"jobs": [{"script": "a: 'b'\n\\ ${x}\n  # no\n"}, {"script": "no"}, {"script": " \ttab\n"}], "x": {}}
    assert yaml.safe_load(text_of(document)) == document


def test_secrets_and_plugins_follow_from_the_folders() -> None:
    folders = {"shop": {"credentials": [REGISTRY, {**REGISTRY, "id": "again"}]}}
    assert additional_secrets(folders) == [
        {"name": "shop-registry", "keyName": "username"},
        {"name": "shop-registry", "keyName": "password"},
    ]
    assert {"job-dsl", "matrix-auth", "kubernetes"} <= set(required_plugins(JenkinsSettings()))
    assert "plain-credentials" not in required_plugins(JenkinsSettings(folders=folders))


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"realm": {"local": {"allowsSignup": True}}}, ["realm.local.allowsSignup"]),
        ({"realm": {"legacy": {}}}, ["realm.legacy", "administrators"]),
        ({"realm": OIC}, ["administrators"]),
        ({"realm": {**OIC, "local": {}}}, ["realm"]),
        ({"administrators": [{"group": "authenticated"}]}, ["administrators[0].group"]),
        ({"administrators": ["ops"]}, ["administrators[0]"]),
        ({"administrators": [{}]}, ["administrators[0]"]),
        ({"realm": {"local": {"users": [{"id": "mia", "password": "hunter2"}]}}}, ["realm.local.users[0].password"]),
        ({"realm": {"ldap": {"managerPasswordSecret": "hunter2"}}, "administrators": [{"group": "ops"}]},
         ["realm.ldap.managerPasswordSecret"]),
    ],
)  # fmt: skip
def test_an_open_door_is_refused(given: dict[str, Any], fields: list[str]) -> None:
    found = problems(**given)
    assert sorted(one.partition(": ")[0] for one in found) == sorted(f"buildkeep_jenkins.{field}" for field in fields)
    assert "hunter2" not in "".join(found)
