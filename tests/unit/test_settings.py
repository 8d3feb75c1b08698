"""What an inventory becomes, and what is said about a bad one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.backends import Backend, as_mapping
from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError
from ansible_collections.buildkeep.ci.plugins.module_utils.settings import DEFAULTS, read_settings

SHOP: dict[str, Any] = {"name": "shop"}


def problems(**variables: Any) -> list[str]:
    """Read an inventory that must be refused and return what is wrong with it."""
    with pytest.raises(BuildkeepError) as caught:
        read_settings({"tenants": [SHOP], **variables})
    return list(caught.value.problems)


# Repositories of the builders that rules fence in: those that everybody may run, as that builder only.
FENCED = ("ghcr.io/osscontainertools/kaniko", "docker.io/moby/buildkit", "quay.io/buildah/stable")


def test_a_name_is_enough() -> None:
    """Everything else is derived."""
    settings = read_settings({"tenants": [SHOP]})
    assert [tenant.namespace for tenant in settings.tenants] == ["ci-shop"]
    assert settings.controller.user == "system:serviceaccount:jenkins:jenkins"
    assert settings.controller.url == "http://jenkins.jenkins.svc.cluster.local:8080"
    assert settings.images == ("docker.io/jenkins/inbound-agent", *FENCED)


def test_none_is_the_default() -> None:
    """A variable that an inventory leaves empty is a variable that it leaves out."""
    assert read_settings({"tenants": [SHOP], **dict.fromkeys(list(DEFAULTS)[1:])}) == read_settings({"tenants": [SHOP]})


def test_the_connection_is_no_setting_and_no_fault() -> None:
    """Where the cluster is says nothing about what it shall be."""
    assert read_settings({"tenants": [SHOP], "kubeconfig": "x", "context": "y"})


def test_variables_about_the_walls() -> None:
    """They reach the settings, and what a role learnt from the cluster counts more than a name."""
    given = {
        "break_glass": "sre",
        "pod_annotations": ["acme.example/"],
        "storage_classes": ["fast"],
        "templates": "static",
    }
    settings = read_settings({"tenants": [SHOP, {"name": "blog", "templates": "any"}], "pod_defaults": True, **given})
    assert (settings.break_glass, settings.pod_annotations, settings.storage_classes) == (
        "sre",
        ("acme.example/",),
        ("fast",),
    )
    assert [tenant.templates for tenant in settings.tenants] == ["static", "any"]
    assert settings.pod_defaults and settings.backend == Backend("admission", True, True, mutations=True)
    found = Backend("psp", False, True, "kyverno")
    assert read_settings({"backend": as_mapping(found)}).backend == found


def test_overrides_reach_profiles_and_allowlist() -> None:
    """A site's mirror replaces our images everywhere at once."""
    settings = read_settings(
        {
            "tenants": [SHOP],
            "builders": {"kaniko": {"image": "mirror.acme.example/kaniko:1"}},
            "agent_image": "mirror.acme.example/agent:2",
            "images": ["ghcr.io/acme/", "mirror.acme.example/agent"],
        }
    )
    assert settings.images == (
        *("mirror.acme.example/agent", "mirror.acme.example/kaniko"),
        *(*FENCED[1:], "ghcr.io/acme/"),
    )
    assert settings.profiles.builders["kaniko"].image == "mirror.acme.example/kaniko:1"


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"tenants": []}, ["buildkeep_tenants: ", "List at least one"]),
        ({"backend": "opa"}, ['buildkeep_backend: "opa"', "one of admission, scc, psp, psa"]),
        ({"break_glass": "system:masters"}, ['buildkeep_break_glass: "system:masters" is a group of the cluster']),
        ({"break_glass": "system:cluster-admins"}, ['buildkeep_break_glass: "system:cluster-admins" is a group of']),
        ({"break_glass": "system:nodes"}, ['buildkeep_break_glass: "system:nodes" is a group of', "of your own"]),
        ({"break_glass": "system:authenticated:oauth"}, ['buildkeep_break_glass: "system:authenticated:oauth" is a']),
        ({"break_glass": "kubeadm:cluster-admins"}, ['buildkeep_break_glass: "kubeadm:cluster-admins" is a group of']),
        ({"break_glass": "two words"}, ["buildkeep_break_glass: ", "the name of one group"]),
        ({"pod_annotations": ["a/b/c"]}, ["buildkeep_pod_annotations[0]: ", "such as `openshift.io/scc`"]),
        ({"storage_classes": [""]}, ["buildkeep_storage_classes[0]: ", "names of StorageClasses"]),
        ({"tenants": [{**SHOP, "volumes": {"claims": ["A"]}}]}, ["volumes.claims[0]: ", "such as `cache`"]),
        ({"tenants": "shop"}, ['buildkeep_tenants: "shop" is not a list']),
        ({"tenants": ["shop"]}, ['buildkeep_tenants[0]: "shop" is not a mapping', "at least `name`"]),
        ({"tenants": [{}]}, ["buildkeep_tenants[0]: name: is missing"]),
        ({"tenants": [SHOP, SHOP]}, ['buildkeep_tenants[1]: name: "shop" is the name of buildkeep_tenants[0] as well']),
        ({"tenants": [{"name": "Shop"}]}, ['name: "Shop" is not of the right form', "lower-case"]),
        ({"tenants": [{"name": "-shop"}]}, ['name: "-shop"']),
        ({"tenants": [{"name": "shop\n"}]}, ['name: "shop\\n"']),
        ({"tenants": [{"name": False}]}, ["name: false is not text"]),
        ({"tenants": [{"name": "a" * 41}]}, ["longer than 40"]),
        ({"tenants": [{"name": "a" * 40}], "namespace_prefix": "a-very-long-prefix-"}, None),
        ({"tenants": [{"name": "buildkeep-canary"}]}, ['"buildkeep-canary" is kept']),
        ({"tenants": [{"name": "shop", "builders": ["kanico"]}]},
         ['(tenant "shop"): builders[0]: "kanico" is no builder (did you mean "kaniko"?)', "Known builders: kaniko,"]),
        ({"tenants": [{"name": "shop", "builders": ["apko"]}]},
         ["builders[0]: nobody publishes an image of apko", "name it in buildkeep_builders.apko.image"]),
        ({"tenants": [{"name": "shop", "builders": ["apko"]}], "builders": {"apko": {"image": "r.example/a:1"}}}, None),
        ({"tenants": [{"name": "shop", "cache": {"registry": "r.example/c"}}, {"name": "b", "push": "r.example/c"}]},
         ['"r.example/c" and buildkeep_tenants[1].push']),
        ({"tenants": [{"name": "shop", "cache": {"registry": "quay.io/buildah/stable"}}]}, ["the agent templates"]),
        ({"controller": {"namespace": "buildkeep-system"}}, ['controller.namespace: "buildkeep-system" is where']),
        ({"tenants": [{"name": "shop", "builders": ["Kaniko!"]}]}, ['"Kaniko!" is no builder']),
        ({"tenants": [{"name": "shop", "builders": ["kaniko", "kaniko"]}]}, ["listed more than once"]),
        ({"tenants": [{"name": "shop", "bulders": []}]}, ['bulders: unknown key (did you mean "builders"?)']),
        ({"tenants": [{"name": "shop", "images": ["acme/x"]}]}, ['(tenant "shop"): images[0]: ', "registry host"]),
        ({"tenants": [{"name": "shop", "images": ["ghcr.io/a/b:1"]}]}, ["names a tag", "write ghcr.io/a/b"]),
        ({"tenants": [{"name": "shop", "images": ["docker.io/acme/"]}]}, ["prefix on Docker Hub"]),
        ({"tenants": [{"name": "shop", "push": "acme/x"}]}, ['(tenant "shop"): push: ', "registry host"]),
        ({"tenants": [{"name": "shop", "push": "ghcr.io/a/b:1"}]}, ["push: ", "names a tag"]),
        ({"tenants": [{"name": "shop", "push": "ghcr.io/a/"}]}, ['push: "ghcr.io/a/" is not of the right form']),
        ({"tenants": [{"name": "shop", "mode": "on"}]}, ['mode: "on" is not one of: enforce, audit']),
        ({"tenants": [{"name": "shop", "state": "gone"}]}, ['state: "gone" is not one of: present, absent']),
        ({"tenants": [{"name": "shop", "limits": {"cpu": "4 cores"}}]}, ['limits.cpu: "4 cores"', "quantity"]),
        ({"tenants": [{"name": "shop", "limits": {"pods": 0}}]}, ["limits.pods: 0 is less than 1"]),
        ({"tenants": [{"name": "shop", "limits": {"cpu": "2"}}]},
         ['(tenant "shop"): limits.cpu: "2" leaves no room for a pod: one pod of kaniko needs 500m + 2']),
        ({"tenants": [{"name": "shop", "limits": {"memory": "2560M"}}]}, ["one pod of kaniko needs 512Mi + 2Gi"]),
        ({"tenants": [{"name": "shop", "limits": {"memory": "2560Mi", "cpu": "2500m"}}]}, None),
        ({"tenants": [{"name": "shop", "builders": [], "limits": {"cpu": "1"}}]}, None),
        ({"tenants": [{"name": "shop", "identity": {"gke": {}}}]}, ["Remove `identity`"]),
        ({"images": ["ghcr.io"]}, ["buildkeep_images[0]: ", "bare host"]),
        ({"images": "ghcr.io/acme/"}, ["buildkeep_images: ", "is not a list"]),
        ({"mode": "off"}, ['buildkeep_mode: "off" is not one of: enforce, audit']),
        ({"controller_elsewhere": "ok"}, ['buildkeep_controller_elsewhere: "ok" is not one of: refuse, warn']),
        ({"tenants": [{"name": "shop", "images": [f"ghcr.io/a/{n}" for n in range(300)]}], "images": ["ghcr.io/b/c"]},
         ['(tenant "shop"): images: are 301 entries of ', "together with buildkeep_images", "prefixes"]),
        ({"tenants": [{"name": "shop", "images": [f"ghcr.io/{'a' * 190}/{n}" for n in range(160)]}]},
         ['(tenant "shop"): images: are 160 entries of 32', "30000 characters"]),
        ({"mode": True}, ["buildkeep_mode: true is not text"]),
        ({"state": "gone"}, ["buildkeep_state: "]),
        ({"namespace_prefix": "ci"}, ['buildkeep_namespace_prefix: "ci" is not of the right form', "end with a dash"]),
        ({"namespace_prefix": "kube-"}, ["also covers namespaces that are not tenants'"]),
        ({"namespace_prefix": "buildkeep-"}, ["also covers namespaces that are not tenants'"]),
        ({"controller": {"namespace": "ci-shop"}},
         ['its namespace "ci-shop" is the controller\'s', 'begins with "ci-"']),
        ({"controller": {"namespace": "ci-jenkins"}}, ["buildkeep_controller.namespace: ", 'begins with "ci-"']),
        ({"controller": {"namespace": "buildkeep-canary"}}, ["where the rules are proven"]),
        ({"controller": {"nam": "x"}}, ['buildkeep_controller.nam: unknown key (did you mean "name"?)']),
        ({"controller": {"url": "jenkins:8080"}}, ["buildkeep_controller.url: "]),
        ({"builders": {"kanico": {"image": "ghcr.io/a/b:1"}}}, ["buildkeep_builders.kanico: no such builder"]),
        ({"builders": {"kaniko": {"image": "kaniko"}}}, ["buildkeep_builders.kaniko.image: ", "in full"]),
        ({"builders": ["kaniko"]}, ["buildkeep_builders: ", "is not a mapping"]),
        ({"agent_image": "agent"}, ["buildkeep_agent_image: 'agent' is not written in full"]),
        ({"agent_image": 3}, ["buildkeep_agent_image: 3 is not text"]),
        ({"trusted_ca": "/etc/ssl/ca.crt"}, ["buildkeep_trusted_ca: holds no certificate"]),
        ({"trusted_ca": "-----BEGIN PRIVATE KEY-----\nabc"}, ["buildkeep_trusted_ca: holds a private key"]),
        ({"tenant": [SHOP]}, ['buildkeep_tenant: unknown variable (did you mean "buildkeep_tenants"?)']),
    ],
)  # fmt: skip
def test_bad_input(variables: dict[str, Any], words: list[str] | None) -> None:
    """Each fault is told once, with its place, its value and the remedy; None: a case that looks bad and is good."""
    if words is None:
        assert read_settings(variables).tenants
        return
    found = problems(**variables)
    text = "\n".join(found)
    for word in words:
        assert word in text
    assert len(found) == len(set(found)) <= 2


def test_a_private_key_is_never_shown() -> None:
    """The sentence goes to the screen and into logs."""
    assert "abcdef" not in "\n".join(problems(trusted_ca="-----BEGIN PRIVATE KEY-----\nabcdef"))


def test_all_problems_at_once_in_the_order_of_the_tenants() -> None:
    """One look, one repair."""
    found = problems(tenants=[{"name": "A"}, {"name": "b", "builders": ["x"], "mode": "y"}, {"nam": "c"}], mode="z")
    assert [text.partition(":")[0] for text in found] == [
        "buildkeep_tenants[0]",
        'buildkeep_tenants[1] (tenant "b")',
        'buildkeep_tenants[1] (tenant "b")',
        "buildkeep_tenants[2]",
        "buildkeep_tenants[2]",
        "buildkeep_mode",
    ]
