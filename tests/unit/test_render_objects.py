"""What the roles apply and what is rendered is made of the same; the plays show that it is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.buildkeep.ci.plugins.module_utils import rbac_outside, render_objects
from ansible_collections.buildkeep.ci.plugins.module_utils.names import LABEL_ROLE
from ansible_collections.buildkeep.ci.plugins.module_utils.render_yaml import to_yaml
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import read_settings

CHART = to_yaml({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "jenkins"}})
ROOT = Path(__file__).resolve().parents[2]
OWN = "{{ role_path }}/templates/"
OF_TENANTS = "{{ __pod_security_templates }}/"


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def templates(role: str) -> list[str]:
    """The templates that a role's own task applies, as far as it lists them."""
    tasks = [
        task["buildkeep.ci.apply"] for task in read(f"roles/{role}/tasks/main.yml") if "buildkeep.ci.apply" in task
    ]
    lists = [task["templates"] for task in tasks if isinstance(task.get("templates"), list)]
    return [path for paths in lists for path in paths]


def names(paths: list[str], folder: str) -> tuple[str, ...]:
    return tuple(path.removeprefix(folder).removesuffix(".yaml.j2") for path in paths if path.startswith(folder))


def test_tenants_are_made_of_the_roles_templates() -> None:
    listed = read("roles/tenants/vars/main.yml")["__tenants_templates"]
    assert names(listed, OWN) == render_objects.TENANT_TEMPLATES
    assert len(listed) == len(list((ROOT / "roles/tenants/templates").iterdir()))


def test_the_controllers_rights_are_made_of_the_roles_templates() -> None:
    assert names(templates("rbac"), OWN) == render_objects.RIGHTS_TEMPLATES
    files = {path.name.removesuffix(".yaml.j2") for path in (ROOT / "roles/rbac/templates").iterdir()}
    assert files == {*render_objects.RIGHTS_TEMPLATES, *rbac_outside.TEMPLATES}


def test_jenkins_own_namespace_is_made_of_the_roles_templates() -> None:
    assert names(read("roles/jenkins/vars/main.yml")["__jenkins_templates"], OWN) == render_objects.JENKINS_TEMPLATES


def test_what_a_jenkins_outside_logs_in_with_comes_with_the_rights() -> None:
    cluster = {"url": "https://k.example:6443", "credentialsId": "token", "renewal": {"secret": "login"}}
    raw = {"tenants": [{"name": "shop"}], "controller": {"url": "https://j.example/", "cluster": cluster}}
    *_, last = render_objects.waves(read_settings(raw), CHART)
    kinds = [item["kind"] for item in last.objects]
    assert {"ServiceAccount", "CronJob", "ConfigMap"} <= set(kinds)
    # Made by hand: it is empty, but nobody should have to look whether a Secret in a file is.
    assert "Secret" not in kinds


def test_the_canaries_namespace_is_made_of_the_roles_templates() -> None:
    listed = templates("pod_security")
    assert names(listed, OF_TENANTS) == render_objects.CANARY_TEMPLATES
    assert names(listed, OWN) == render_objects.CANARY_WIDE_TEMPLATES


def test_every_role_of_site_has_its_place_among_the_waves() -> None:
    (play,) = (one for one in read("playbooks/site.yml") if "roles" in one)
    roles = {entry["role"].removeprefix("buildkeep.ci.") for entry in play["roles"]}
    backend = {"name": "psp", "policies": False, "pod_security": True, "images": "kyverno"}
    # No one cluster has something of every role.
    old = read_settings({"tenants": [{"name": "shop"}], "unenforced": "accept", "backend": backend})
    tenants = [{"name": "shop", "builders": ["buildkit"]}]
    new = read_settings({"tenants": tenants, "node_profiles": "daemonset", "jenkins_install": True})
    waves = [wave for settings in (old, new) for wave in render_objects.waves(settings, CHART)]
    items = [item for wave in waves for item in wave.objects]
    assert roles == {item["metadata"]["labels"][LABEL_ROLE] for item in items}
