"""The rules end: the largest pod and the longest lists stay within what an API server spends on them."""

from __future__ import annotations

import pytest

from tests.api import pods
from tests.api.api import Api, Object
from tests.api.conftest import tenant_namespace

# As many entries as an inventory may have, of a hundred characters each: together as long as they may be.
ENTRIES, MOST = 300, 64
DEEP = f"registry.example/{'a' * 60}"
LAST = "registry.example/the/last/of/them"


@pytest.fixture(scope="module")
def long(admin: Api, shop: str) -> str:
    """The namespace of a tenant with as many images as one may have."""
    entries = [f"{DEEP}/team-{number:04d}/images/b" for number in range(ENTRIES - 1)]
    tenant_namespace(admin, "ci-longest", annotations={"buildkeep.dev/images": ",".join([*entries, LAST])})
    return "ci-longest"


@pytest.fixture(scope="module")
def prefixes(admin: Api, shop: str) -> str:
    """The same with prefixes, each of which is held against each image."""
    entries = [f"{DEEP}/team-{number:04d}/images/b/" for number in range(ENTRIES)]
    tenant_namespace(admin, "ci-prefixes", annotations={"buildkeep.dev/images": ",".join(entries)})
    return "ci-prefixes"


def largest(image: str, count: int = MOST) -> Object:
    """A pod of so many containers, half of them init containers, each with a list of its own of everything."""
    containers = []
    for number in range(count):
        made = pods.put(pods.tool(f"c{number}"), "image", image)
        made["env"] = [{"name": f"N{one}", "value": "x"} for one in range(30)]
        made["volumeMounts"] = []
        containers.append(made)
    pod = pods.put(pods.dynamic_agent(), "spec/volumes", [])
    pod["spec"] |= {"containers": containers[: count // 2], "initContainers": containers[count // 2 :]}
    return pod


# Found in the text of the list, and only by going through it: a digest is no tag.
@pytest.mark.parametrize("image", [f"{LAST}:1", f"{LAST}@sha256:{'a' * 64}"], ids=["tag", "digest"])
def test_the_largest_pod_is_admitted(admin: Api, long: str, image: str) -> None:
    answer = admin.pod(long, largest(image))
    assert answer.ok, answer.message[:500]


def test_the_largest_pod_is_admitted_by_the_last_prefix(admin: Api, prefixes: str) -> None:
    answer = admin.pod(prefixes, largest(f"{DEEP}/team-{ENTRIES - 1:04d}/images/b/far/below:1"))
    assert answer.ok, answer.message[:500]


@pytest.mark.parametrize("namespace", ["long", "prefixes"])
def test_the_largest_pod_is_refused_by_its_rules(admin: Api, namespace: str, request: pytest.FixtureRequest) -> None:
    answer = admin.pod(request.getfixturevalue(namespace), largest("registry.example/other/x:1"))
    assert answer.status == 403 and "[images] container c0, field image:" in answer.message, answer.message[:500]


def test_one_more_is_refused(admin: Api, long: str) -> None:
    answer = admin.pod(long, largest(f"{LAST}:1", MOST + 1))
    assert '[image-count] field spec.containers[*].image: "65" is not allowed' in answer.message, answer.message[:500]


def test_everything_wrong_at_once_is_told(admin: Api, long: str) -> None:
    pod = largest("NOT/an image")
    for container in [*pod["spec"]["containers"], *pod["spec"]["initContainers"]]:
        container["securityContext"] = {"capabilities": {"add": ["KILL", "CHOWN"]}, "runAsUser": 0}
        container["envFrom"] = [{"secretRef": {"name": "cloud"}}]
    answer = admin.pod(long, pod)
    assert answer.status == 403 and "[image-reference] container c0" in answer.message, answer.message[:500]
