"""The pods of every builder's template, with all that one can have, and tenants whose builders are unconfined."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.plugin_pod import AgentInfo, clouds, static_pod
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles
from hypothesis import given

from tests.api import pods
from tests.api.api import Api, Object
from tests.api.conftest import tenant_namespace
from tests.api.properties import examples
from tests.api.property_pods import BUILDERS, agents
from tests.chart.rendering import template, tenants

CA = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
AGENT = AgentInfo("agent-x1", "s3cr3t")
PROFILES = load_profiles()
# All that a template can have beside the plainest: what the chart writes for each builder then.
EVERYTHING: dict[str, Any] = {
    "push": "ghcr.io/acme/shop",
    "cache": {"registry": "ghcr.io/acme/shop-cache", "claims": {"kaniko": "maven-cache", "buildkit": "other-cache"}},
}
SWITCHES = {"trustedCA": CA, "appArmor": True, "userNamespaces": True}
UNCONFINED = {"type": "Unconfined"}
PODS = 300


def rendered(builder: str, switches: dict[str, Any], namespace: str, **keys: Any) -> Object:
    """The pod of a builder's template."""
    values = {**tenants("shop", builders=[builder], **keys), **switches}
    maps = [one for one in template(values).of_kind("ConfigMap") if one["metadata"]["name"] != "buildkeep-ca"]
    made = static_pod(clouds(maps)["shop"], f"shop-{builder}", AGENT)
    return pods.put(made, "metadata/namespace", namespace)


def _space(admin: Api, name: str, level: str, **annotations: str) -> str:
    granted = ["rootless", *PROFILES.builders]
    images = [f"{pods.BASE}/", "gcr.io/team", *(one.image.partition(":")[0] for one in PROFILES.restricted.values())]
    tenant_namespace(
        admin,
        name,
        labels={"pod-security.kubernetes.io/enforce": level},
        annotations={
            "buildkeep.dev/builders": ",".join(granted),
            "buildkeep.dev/images": ",".join(images),
            **{f"buildkeep.dev/{key}": value for key, value in annotations.items()},
        },
        accounts=("default", "agent", "pusher", "deployer", *(f"builder-{one}" for one in granted)),
    )
    return name


@pytest.fixture(scope="module")
def spaces(admin: Api, shop: str) -> dict[str, str]:
    """The namespaces of two tenants that may use templates only, and of one that may use any pod, by seccomp."""
    return {
        "confined": _space(admin, "ci-confined", "baseline", templates="static"),
        "unconfined": _space(admin, "ci-unconfined", "privileged", templates="static", seccomp="unconfined"),
        "free": _space(admin, "ci-free", "privileged", seccomp="unconfined"),
    }


@pytest.mark.parametrize("switches", [{}, SWITCHES], ids=["plain", "everything"])
@pytest.mark.parametrize("seccomp", ["confined", "unconfined"])
@pytest.mark.parametrize("builder", PROFILES.builders)
def test_a_template_is_admitted(
    admin: Api, spaces: dict[str, str], builder: str, seccomp: str, switches: dict[str, Any]
) -> None:
    pod = rendered(builder, switches, spaces[seccomp], seccomp=seccomp, **(EVERYTHING if switches else {}))
    answer = admin.pod(spaces[seccomp], pod)
    assert answer.ok and not answer.warnings, (answer.message, answer.warnings)


def test_templates_have_what_is_tried_here() -> None:
    made = {name: rendered(name, SWITCHES, "x", **EVERYTHING)["spec"] for name in PROFILES.builders}
    builders = {name: next(c for c in spec["containers"] if c["name"] == name) for name, spec in made.items()}
    assert made["kaniko"]["hostUsers"] is False and made["buildah"]["hostUsers"] is False
    assert builders["buildah"]["securityContext"]["appArmorProfile"]["type"] == "Localhost"
    assert {"name": "BUILDKEEP_CACHE", "value": "ghcr.io/acme/shop-cache"} in builders["buildkit"]["env"]
    claims = {name for name, spec in made.items() if any("persistentVolumeClaim" in v for v in spec["volumes"])}
    assert claims == {"kaniko", "buildkit"}


# A change to the builder's container of the template of buildah, and whether it is one of the profile only.
CHANGES: dict[str, tuple[str, Any, str]] = {
    "another variable": ("env/+", {"name": "BUILDAH_ROOT", "value": "x"}, "templates"),
    "another value": ("env", [{"name": "BUILDAH_ISOLATION", "value": "rootless"}], "templates"),
    "a variable from elsewhere": (
        "env",
        [{"name": "BUILDKEEP_PUSH", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}],
        "templates",
    ),
    "another folder to work in": ("workingDir", "/usr/bin", "templates"),
    "a mount over a program": ("volumeMounts/+", {"name": "builder-state", "mountPath": "/usr/bin"}, "templates"),
    "another AppArmor profile": (
        "securityContext/appArmorProfile",
        {"type": "Localhost", "localhostProfile": "x"},
        "builder",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_template_is_refused(admin: Api, spaces: dict[str, str], change: str) -> None:
    path, value, rule = CHANGES[change]
    pod = rendered("buildah", SWITCHES, spaces["confined"])
    (place,) = [number for number, one in enumerate(pod["spec"]["containers"]) if one["name"] == "buildah"]
    pod["metadata"]["name"] = "changed"
    answer = admin.pod(spaces["confined"], pods.put(pod, f"spec/containers/{place}/{path}", value))
    assert f"[{rule}]" in answer.message and "; [" not in answer.message, answer.message


def test_the_cache_of_base_images_is_only_read(admin: Api, spaces: dict[str, str]) -> None:
    """A later build takes from it unasked."""
    pod = rendered("kaniko", SWITCHES, spaces["confined"], **EVERYTHING)
    (volume,) = [number for number, one in enumerate(pod["spec"]["volumes"]) if one["name"] == "builder-cache"]
    (place,) = [number for number, one in enumerate(pod["spec"]["containers"]) if one["name"] == "kaniko"]
    mounts = pod["spec"]["containers"][place]["volumeMounts"]
    (mount,) = [number for number, one in enumerate(mounts) if one["name"] == "builder-cache"]
    assert admin.pod(spaces["confined"], pod).ok
    for path, shown in (
        (f"spec/volumes/{volume}/persistentVolumeClaim/readOnly", "volume builder-cache"),
        (f"spec/containers/{place}/volumeMounts/{mount}/readOnly", "container kaniko"),
    ):
        message = admin.pod(spaces["confined"], pods.put(pod, path, None)).message
        assert f'[templates] field spec: "{shown}" is not allowed' in message, message


def test_only_a_builder_with_a_profile_on_the_nodes_may_be_unconfined(admin: Api, spaces: dict[str, str]) -> None:
    def told(pod: Object, path: str, value: Any) -> str:
        return admin.pod(spaces["free"], pods.put(pod, path, value)).message

    for field in ("seccompProfile", "appArmorProfile"):
        path = f"spec/containers/0/securityContext/{field}"
        assert told(pods.rootless_agent(), path, UNCONFINED) == ""
        assert f"[builder] container kaniko, field securityContext.{field}" in told(
            pods.static_agent(), path, UNCONFINED
        )
        assert "container tool, field securityContext." in told(pods.dynamic_agent(), path, UNCONFINED)
        assert "container jnlp, field securityContext." in told(
            pods.rootless_agent(), f"spec/containers/1/securityContext/{field}", UNCONFINED
        )
        assert "[pod] field spec.securityContext." in told(
            pods.rootless_agent(), f"spec/securityContext/{field}", UNCONFINED
        )
        wrong = {"type": "Localhost", "localhostProfile": "other"}
        assert "allowed: " in told(pods.rootless_agent(), path, wrong)


def _reprofiled(agent: Object) -> Object:
    """The pod with the profiles that its unconfined builder has where tenants are confined."""
    made = copy.deepcopy(agent)
    if made["spec"].get("serviceAccountName") != "builder-rootless":
        return made
    for one in made["spec"]["containers"]:
        security = one.get("securityContext") or {}
        if one["image"].startswith(BUILDERS["builder-rootless"]):
            for field, profile in (
                ("seccompProfile", "buildkeep/rootless.json"),
                ("appArmorProfile", "buildkeep-rootless"),
            ):
                if security.get(field) == UNCONFINED:
                    security[field] = {"type": "Localhost", "localhostProfile": profile}
    return made


def test_nothing_else_is_let_through_where_builders_are_unconfined(
    admin: Api, shop: str, spaces: dict[str, str]
) -> None:
    """Pod Security's level is `privileged` there: our own rules hold all that they hold elsewhere."""
    seen: Counter[str] = Counter()

    @examples(PODS)
    @given(agents())
    def check(agent: Object) -> None:
        there, here = admin.pod(spaces["free"], agent), admin.pod(shop, _reprofiled(agent))
        assert there.ok == here.ok, (there.message, here.message)
        seen["admitted" if there.ok else "refused"] += 1

    check()
    assert min(seen["admitted"], seen["refused"]) >= PODS / 5, seen
