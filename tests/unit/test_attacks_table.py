"""The table of attacks is complete and says of each exactly who refuses it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import names

from testbed.attacks.table import TABLE, WAYS, Attack, load, parse

NAMES = {
    "agent": "docker.io/jenkins/inbound-agent:1",
    "listed": "europe-docker.pkg.dev/acme/base/debian:1",
    "foreign": "docker.io/library/debian:bookworm-slim",
}
ATTACKS = {attack.id: attack for attack in load(NAMES)}
# What has to be tried on the live cluster, and by which path an attacker really has.
WANTED = {
    "docker-socket": "jenkinsfile",
    "privileged-dind": "jenkinsfile",
    "host-network": "jenkinsfile",
    "host-pid": "jenkinsfile",
    "unlisted-image": "jenkinsfile",
    "look-alike-host": "jenkinsfile",
    "init-container-image": "jenkinsfile",
    "image-volume": "jenkinsfile",
    "other-namespace": "jenkinsfile",
    "other-service-account": "jenkinsfile",
    "read-secrets": "controller-token",
    "debug-foreign-image": "debugger",
    "debug-privileged": "debugger",
}


def text_of(attack: Attack) -> str:
    """All that an attack sends, as text."""
    return yaml.safe_dump(attack.send)


@pytest.mark.parametrize(("name", "way"), WANTED.items())
def test_what_has_to_be_tried_is_there_by_its_real_path(name: str, way: str) -> None:
    assert ATTACKS[name].way == way


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("docker-socket", "path: /var/run/docker.sock"),
        ("privileged-dind", "privileged: true"),
        ("privileged-dind", "docker:27-dind"),
        ("host-network", "hostNetwork: true"),
        ("host-pid", "hostPID: true"),
        ("unlisted-image", "image: docker.io/"),
        ("look-alike-host", "image: gcr.io.evil.example/"),
        ("image-volume", "reference: docker.io/"),
        ("other-namespace", "namespace: ci-blog"),
        ("other-service-account", "serviceAccount: deployer"),
        ("read-secrets", "/secrets"),
    ],
)
def test_the_attack_sends_what_its_title_says(name: str, sent: str) -> None:
    assert sent in text_of(ATTACKS[name])


def test_the_foreign_init_container_hides_beside_an_allowed_one() -> None:
    good, hidden = ATTACKS["init-container-image"].send["pod"]["spec"]["initContainers"]
    assert good["image"] == NAMES["listed"]
    assert hidden["image"] != NAMES["listed"]
    assert ATTACKS["init-container-image"].refused.value == hidden["image"]


def test_the_look_alike_is_refused_beside_the_allowed_original() -> None:
    attack = ATTACKS["look-alike-host"]
    assert attack.refused.allowed.startswith("gcr.io/")
    image = attack.permitted["pod"]["spec"]["containers"][0]["image"]
    assert image.startswith(attack.refused.allowed)
    assert attack.refused.value == image.replace("gcr.io/", "gcr.io.evil.example/", 1)


def test_another_tenants_namespace_is_refused_by_the_tenant_label() -> None:
    assert ATTACKS["other-namespace"].refused.rule == "tenant-label"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=list(ATTACKS))
def test_every_refusal_is_exact_and_has_a_counterpart(attack: Attack) -> None:
    assert attack.permitted
    assert attack.permitted != attack.send
    policy = attack.behind or attack.refused
    if policy.by != "rbac":
        assert policy.by == names.POLICY_PODS
        assert all((policy.rule, policy.field, policy.value, policy.allowed))
    if attack.refused.by in ("rbac", "PodSecurity"):
        assert len(attack.refused.words) > len("host namespaces")


def test_every_way_is_used() -> None:
    assert {attack.way for attack in ATTACKS.values()} == set(WAYS)


def broken(change: dict[str, Any]) -> str:
    """A table whose first attack is changed, as YAML; a value of None removes the key."""
    row = yaml.safe_load(TABLE.read_text(encoding="utf-8"))["attacks"][0] | change
    return yaml.safe_dump({"attacks": [{key: value for key, value in row.items() if value is not None}]})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"way": "magic"}, "way has to be one of"),
        ({"behind": None}, "behind belongs to refusals by Pod Security"),
        ({"refused": {"by": "PodSecurity"}}, "needs a rule, or the words"),
        ({"refused": {"by": "buildkeep-pods", "rule": "images"}}, "field of rule images is empty"),
        ({"permitted": None}, "missing keys ['permitted']"),
        ({"titel": "x"}, "unknown keys ['titel']"),
    ],
)
def test_a_vague_table_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match="docker-socket: ") as error:
        parse(broken(change), NAMES)
    assert problem in str(error.value)


def test_the_same_id_twice_is_refused() -> None:
    rows = yaml.safe_load(broken({}))["attacks"] * 2
    with pytest.raises(ValueError, match="docker-socket: the id stands twice"):
        parse(yaml.safe_dump({"attacks": rows}), NAMES)
