"""The image rules: tricks that look like allowed images, and random references against the Python matcher."""

from __future__ import annotations

import random
import re
import string

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed, is_canonical, template_images
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles

from tests.api import pods
from tests.api.api import Api
from tests.api.conftest import CLUSTER_IMAGES, tenant_namespace

# What conftest.tenant_namespace grants, and what holds for every tenant. The builders' repositories are left out:
# they may run as builders only, which another rule says.
ENTRIES = (f"{pods.BASE}/", "gcr.io/team", pods.JNLP, *CLUSTER_IMAGES)
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
    *("gcr.io/team-evil/x:1", "gcr.io/teams:1", "gcr.io/team/x:1", "gcr.io/team/:1", "gcr.io/team:"),
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


def agent_with(images: list[str]) -> pods.Object:
    """An agent whose containers c0, c1, ... run these images."""
    containers = [{**pods.tool(f"c{number}"), "image": image} for number, image in enumerate(images)]
    return pods.pod("agent", *containers)


def refused(admin: Api, namespace: str, images: list[str]) -> set[str]:
    """Which of the images the pod policy refuses. So few at a time that the message can list them all."""
    answer = admin.pod(namespace, agent_with(images))
    assert answer.ok or "ValidatingAdmissionPolicy 'buildkeep-pods'" in answer.message, answer.message
    assert not answer.message.endswith(" ..."), "too many for one message"
    found = re.findall(r"\[(?:images|image-reference)\] container c(\d+), field image", answer.message)
    assert (
        len(set(re.findall(r"(?:denied request: |; )\[([a-z-]+)\]", answer.message)) - {"images", "image-reference"})
        == 0
    )
    return {images[int(number)] for number in found}


def test_our_own_templates_images_are_in_the_cluster_list(admin: Api, shop: str) -> None:
    assert set(template_images(load_profiles())) == {pods.JNLP, pods.KANIKO}


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
    assert "ValidatingAdmissionPolicy 'buildkeep-pods'" in message
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


def mutated(chance: random.Random) -> str:
    """An allowed reference with nothing, or a few characters, changed."""
    path = "/".join("".join(chance.choices("ab-._0", k=chance.randint(1, 5))) for _ in range(chance.randint(1, 2)))
    entry = chance.choice(ENTRIES)
    repository = entry + path if entry.endswith("/") else entry
    tails = ("", ":1", f"@{DIGEST}", f":v{chance.random()}", f":1@{DIGEST}")
    ref = repository + chance.choice(tails)
    for _ in range(chance.choice((0, 0, 0, 1, 1, 2))):
        place = chance.randrange(len(ref) + 1)
        text = chance.choice((*":/@.-_% ", "", "//", "..", "evil", "A", ":5000", chance.choice(string.printable[:95])))
        ref = ref[:place] + text + ref[place + chance.randint(0, 1) :]
    return ref.strip() or "x"


def test_cel_and_python_agree_on_random_references(admin: Api, shop: str) -> None:
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)  # noqa: S311 - test data
    references = [mutated(chance) for _ in range(2000)]
    good = [ref for ref in references if is_allowed(ref, ENTRIES)]
    bad = [ref for ref in references if not is_allowed(ref, ENTRIES)]
    assert min(len(good), len(bad)) > len(references) / 4, (len(good), len(bad))
    for start in range(0, len(good), 60):
        assert refused(admin, shop, good[start : start + 60]) == set(), f"seed {seed}"
    for start in range(0, len(bad), 6):
        batch = bad[start : start + 6]
        assert refused(admin, shop, batch) == set(batch), f"seed {seed}"
