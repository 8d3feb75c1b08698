"""`buildkeep_jenkins` in an inventory: what it becomes, and what is said about a bad one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.jenkins_settings import JenkinsSettings
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

SHOP: dict[str, Any] = {"tenants": [{"name": "shop"}]}
INGRESS = {"host": "jenkins.example.com", "tlsSecret": "tls"}


def jenkins(given: dict[str, Any], **more: Any) -> JenkinsSettings:
    """What an inventory becomes."""
    return read_settings({**SHOP, "jenkins": given, **more}).jenkins


def refused(given: Any, **more: Any) -> str:
    """What is said about it."""
    with pytest.raises(BuildkeepError) as caught:
        read_settings({**SHOP, "jenkins": given, **more})
    return "\n".join(caught.value.problems)


def test_nothing_need_be_said() -> None:
    found = jenkins({})
    assert found == JenkinsSettings(tenants=found.tenants)
    assert [tenant.name for tenant in found.tenants] == ["shop"] and not found.install
    assert (found.config_label, found.reload_secret) == ("jenkins-jenkins-config", "jenkins-casc-reload")


def test_the_address_is_the_first_that_is_known() -> None:
    controller = {"namespace": "ci", "name": "leeroy"}
    assert jenkins({}, controller=controller).url == "http://leeroy.ci.svc.cluster.local:8080/"
    assert jenkins({}, controller={"url": "https://a.example"}).url == "https://a.example/"
    assert jenkins({"ingress": INGRESS}, controller={"url": "https://a.example"}).url == "https://jenkins.example.com/"
    assert jenkins({"url": "https://b.example/jenkins"}).url == "https://b.example/jenkins/"


def test_a_part_of_a_mapping_keeps_the_other_default() -> None:
    found = jenkins({"admin": {"user": "boss"}, "storage": {"class": "fast"}}, controller={"agentPort": 50000})
    assert (found.admin_secret, found.admin_user) == ("jenkins-admin", "boss")
    assert (found.storage_size, found.storage_class, found.agent_port) == ("20Gi", "fast", 50000)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"chrat": "x"}, 'jenkins.chrat: unknown key (did you mean "chart"?)'),
        ({"version": ""}, "jenkins.version"),
        ({"timeout": -1}, "jenkins.timeout: -1 is less than 0"),
        ({"url": "jenkins.example.com"}, "jenkins.url"),
        ({"values": []}, "jenkins.values"),
        ({"plugins": {"git": "1 2"}}, "jenkins.plugins.git"),
        ({"storage": {"size": "20 GB"}}, "jenkins.storage.size"),
        ({"backup": {"schedule": "daily"}}, "jenkins.backup.schedule"),
        ({"image": "ghcr.io/a/b:1", "plugins": {"git": "1"}}, "jenkins.plugins: names plugins beside the image"),
        ({"image": "ghcr.io/a/b"}, 'jenkins.image: "ghcr.io/a/b" names no tag'),
        ({"ingress": {"host": "a.example"}}, "jenkins.ingress.tlsSecret: is missing: without it passwords"),
        ({"route": {"host": "a.example", "gateway": "b"}}, "jenkins.route.listener: is missing"),
        ({"ingress": INGRESS, "route": {"host": "a", "gateway": "b", "listener": "c"}}, "stands beside `ingress`"),
        ({"ingress": INGRESS, "url": "https://b.example/"}, "is not the address that `ingress` gives"),
        ({"folders": {"shp": {}}}, 'jenkins.folders.shp: is no tenant (did you mean "shop"?)'),
    ],
)
def test_each_mistake_is_told_with_its_field(given: dict[str, Any], words: str) -> None:
    assert words in refused(given)


def test_a_jenkins_outside_of_the_cluster_is_not_installed_in_it() -> None:
    outside = {"cluster": {"url": "https://k.example:6443", "credentialsId": "a"}}
    assert "buildkeep_jenkins_install: is true, and" in refused({}, jenkins_install=True, controller=outside)
