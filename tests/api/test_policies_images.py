"""The image rules: tricks that look like allowed images, lists that open nothing, and lists that are long."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.images import (
    is_allowed,
    is_canonical,
    repository,
    template_images,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from tests.api import pods
from tests.api.api import Api
from tests.api.conftest import tenant_namespace
from tests.api.property_images import ENTRIES, agent_with, refused

DIGEST = "sha256:" + 64 * "0"
ALLOWED = (
    "gcr.io/team",
    "gcr.io/team:1",
    f"gcr.io/team@{DIGEST}",
    f"gcr.io/team:1@{DIGEST}",
    f"{pods.BASE}/a/b-c__d.e:v1.2_3-x",
    "registry.k8s.io/pause:3.10",
)
# policy.md of the design names these tricks; the allowlist holds the exact repository gcr.io/team and a prefix.
LOOKALIKES = (
    *("nginx", "nginx:1", "team", "library/nginx", "team/x:1", "docker.io/nginx"),
    *(
        "gcr.io/team-evil/x:1",
        "gcr.io/teams:1",
        "gcr.io/team/x:1",
        "gcr.io/team/:1",
        "gcr.io/team:",
        "gcr.io/team:5000/x",
        "gcr.io/team:1/x:1",
    ),
    *("gcr.io.evil.example/team:1", "gcr.io.evil.example/team/x:1", "evil.example/gcr.io/team:1", "xgcr.io/team:1"),
    *("gcr.io:5000/team:1", "gcr.io:443/team", "localhost/gcr.io/team", "team:443", "gcr.io:1"),
    *("GCR.IO/team:1", "gcr.io/Team:1", "gcr.io@evil.example/team", "gcr.io/team@evil.example/x", "u:p@gcr.io/team:1"),
    *("gcr.io/team@sha512:" + 128 * "0", "gcr.io/team@" + DIGEST[:-1], "gcr.io/team@" + DIGEST + "0", DIGEST, 64 * "0"),
    *("gcr.io/team@md5:0", "gcr.io/team:1@", f"gcr.io/team@{DIGEST}@{DIGEST}", f"gcr.io/team@{DIGEST}:1"),
    *(
        "gcr.io/x/../team:1",
        "gcr.io//team:1",
        "gcr.io/./team:1",
        "gcr.io%2fteam:1",
        "gcr.io\u2215team:1",
        "gcr.io\\team:1",
    ),
    *(
        "gcr.io/team:1\nx",
        "gcr.io/team :1",
        "gcr.io/team\t:1",
        "gcr.io/team\u200b:1",
        "\u0261cr.io/team:1",
        "https://gcr.io/team",
    ),
    *(
        f"{pods.BASE}",
        f"{pods.BASE}:1",
        f"{pods.BASE}-evil/x:1",
        f"{pods.BASE}/../evil/x:1",
        f"{pods.BASE}/",
        f"{pods.BASE}/x:y:z",
    ),
    *(
        "index.docker.io/jenkins/inbound-agent:1",
        "registry-1.docker.io/jenkins/inbound-agent:1",
        "jenkins/inbound-agent:1",
    ),
    *(
        f"{pods.JNLP}-evil:1",
        f"{pods.JNLP}/x:1",
        "gcr.io/team:" + 129 * "a",
        "*",
        "/",
        "-",
        "gcr.io/team:1,gcr.io/evil",
    ),
)


def test_our_own_templates_images_are_in_the_cluster_list(admin: Api, shop: str) -> None:
    fenced = {repository(one.image) for one in load_profiles().relaxed.values()}
    assert set(template_images(load_profiles())) == {pods.JNLP, *fenced} and pods.KANIKO in fenced


@pytest.mark.parametrize("image", ALLOWED)
def test_allowed_images(admin: Api, shop: str, image: str) -> None:
    assert is_allowed(image, ENTRIES)
    assert admin.pod(shop, agent_with([image])).ok


@pytest.mark.parametrize("image", LOOKALIKES, ids=range(len(LOOKALIKES)))
def test_lookalikes(admin: Api, shop: str, image: str) -> None:
    assert not is_allowed(image, ENTRIES)
    message = admin.pod(shop, agent_with([image])).message
    rule = "images" if is_canonical(image) else "image-reference"
    shown = image.replace("\n", " ")
    assert "ValidatingAdmissionPolicy 'buildkeep-pods" in message
    assert f'[{rule}] container c0, field image: "{shown}" is not allowed' in message


def test_entries_that_open_nothing(admin: Api, shop: str) -> None:
    for entries in ("", ",", " ", "/", "*", "g", "gcr.io", "gcr.io,quay.io", "*/"):
        path = f"/api/v1/namespaces/{shop}-empty"
        if not admin.request("GET", path).ok:
            labels = {"buildkeep.dev/tenant": pods.TENANT}
            admin.create("/api/v1/namespaces", {"metadata": {"name": f"{shop}-empty", "labels": labels}}).done()
            admin.create(
                f"{path}/serviceaccounts", {"metadata": {"name": "agent"}, "automountServiceAccountToken": False}
            ).done()
        admin.patch(path, {"metadata": {"annotations": {"buildkeep.dev/images": entries}}}).done()
        for image in ("gcr.io:5000/x:1", "gcr.io/x:1", "quay.io/x:1"):
            assert not is_allowed(image, entries.split(","))
            assert refused(admin, f"{shop}-empty", [image]) == {image}, entries
        assert admin.pod(f"{shop}-empty", agent_with([f"{pods.JNLP}:1"])).ok


def test_a_long_allowlist_leaves_room_for_every_image(admin: Api, shop: str) -> None:
    entries = [f"registry-{number}.example.org/a/path/of/some/length" for number in range(200)]
    tenant_namespace(admin, "ci-long", annotations={"buildkeep.dev/images": ",".join(entries)})
    good = admin.pod("ci-long", agent_with([f"{entry}:1" for entry in entries[-60:]]))
    assert good.ok, good.message
    message = admin.pod("ci-long", agent_with(["gcr.io/x:1", f"{entries[-1]}:1", "gcr.io/y:1"])).message
    assert "container c0" in message and "container c2" in message and "container c1" not in message
    assert message.endswith(" ...") and len(message) < 3000
