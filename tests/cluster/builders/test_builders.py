"""Real builds by every builder that reads Dockerfiles, as a tenant's author starts them; what they pushed is compared.

Two builders at a time, one pod each: see jenkinsfile.py. What a builder cannot do stands in limits.yaml.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from testbed import builds, credentials
from testbed.attacks.api import Api
from testbed.attacks.registry import Registry
from testbed.attacks.stage import namespace_path
from tests.cluster.builders import running
from tests.cluster.builders.cases import CASES, GREETING, Case
from tests.cluster.builders.commands import DIGESTS
from tests.cluster.builders.comparison import findings
from tests.cluster.builders.limits import BUILDERS, REFERENCE, expected, words
from tests.cluster.builders.results import Puller
from tests.cluster.builders.workspace import TENANT, assemble

PUSH = "registry.gitlab.com/acme/works"  # demands credentials of those who push; read through its twin
BUSYBOX, DEBIAN = "docker.io/library/busybox:1.37", "docker.io/library/debian:bookworm-slim"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SIDE_BY_SIDE = 2
LARGE = 500_000_000  # bytes
MEMORY = re.compile(r"^memory: limit (\d+) peak (\d+) killed (\d+)$", re.MULTILINE)
LIMIT = 2 * 1024**3  # bytes: resources.limits.memory of all four in the profile table
SECRET = uuid.uuid4().hex
EVERY = pytest.mark.parametrize("builder", BUILDERS)


# Of each builder: what the controller said.
Built = Mapping[str, builds.BuildResult]


@pytest.fixture(scope="module")
def built(admin: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """All builds, whether they succeeded or not."""

    def run(builder: str) -> builds.BuildResult:
        folder: Path = tmp_path_factory.mktemp(builder)
        assemble(folder, builder, SECRET)
        return builds.build(f"{TENANT}/{builder}", folder)

    secrets = f"{namespace_path(f'ci-{TENANT}')}/secrets"
    given = credentials.read()
    assert PUSH.startswith(f"{given.host}/")
    admin.must("POST", secrets, credentials.secret(f"ci-{TENANT}", given))
    try:
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            yield dict(zip(BUILDERS, pool.map(run, BUILDERS), strict=True))
    finally:
        admin.must("DELETE", f"{secrets}/{credentials.SECRET}")


@pytest.fixture(scope="module")
def puller(registry: Registry) -> Puller:
    """Reads what was pushed."""
    return Puller(registry)


def pushed(builder: str) -> list[Case]:
    """The cases of which a builder pushes an image."""
    return [case for case in CASES if case.suits(builder) and not case.refused and not words(builder, case.name)]


def repository(builder: str, case: Case) -> str:
    """Where a case's image is."""
    return f"{PUSH}/{builder}" if case.tag else f"{PUSH}/{builder}/{case.name}"


def digest(built: Built, builder: str, case: Case) -> str:
    """The digest that the build handed on."""
    number = built[builder].number
    return builds.artifact(f"{TENANT}/{builder}", number, f"{DIGESTS}/{case.name}").decode().strip()


@EVERY
def test_every_build_succeeds_or_fails_as_its_limit_says(built: Built, builder: str) -> None:
    result = built[builder]
    assert result.ok, result.log
    ran = re.findall(r"^case (\S+) took \d+ s$", result.log, re.MULTILINE)
    assert ran == [case.name for case in CASES if case.suits(builder)]


@EVERY
def test_the_digests_that_a_build_hands_on_are_the_registrys(built: Built, registry: Registry, builder: str) -> None:
    for case in pushed(builder):
        handed_on = digest(built, builder, case)
        assert DIGEST.fullmatch(handed_on), f"{case.name}: {handed_on!r}"
        where = repository(builder, case)
        assert registry.manifest(f"{where}@{handed_on}").digest == handed_on
        if case.tag:
            assert registry.manifest(f"{where}:{case.name}").digest == handed_on


@EVERY
def test_images_differ_in_nothing_but_what_the_limits_say(built: Built, puller: Puller, builder: str) -> None:
    assert built[builder].ok
    for case in pushed(builder):
        if not case.tag:
            tags = puller.registry.tags(repository(builder, case))
            found = [f"tags: {', '.join(tags)} instead of none"] if tags else []
        elif case.only or builder == REFERENCE:
            continue  # an alternative, whose Dockerfile is another; or the one that the others are compared with
        else:
            other, reference = (puller.pull(f"{PUSH}/{each}:{case.name}") for each in (builder, REFERENCE))
            found = findings(puller.image(reference), puller.image(other))
        assert found == expected(builder, case.name), case.name


@EVERY
def test_a_removed_folder_is_gone_with_all_that_was_in_it(built: Built, puller: Puller, builder: str) -> None:
    (case,) = (case for case in pushed(builder) if case.folder == "removal")
    tree = puller.tree(puller.pull(f"{PUSH}/{builder}:{case.name}"))
    assert sorted(path for path in tree if path.startswith("/opt/")) == ["/opt/new", "/opt/new/file"]


@EVERY
def test_the_secret_was_read_and_is_nowhere_in_the_image(built: Built, puller: Puller, builder: str) -> None:
    (case,) = (case for case in pushed(builder) if case.folder == "secret")
    image = puller.pull(f"{PUSH}/{builder}:{case.name}")
    proof = puller.tree(image)["/proof"]
    read = hashlib.sha256(f"{SECRET}\n".encode()).hexdigest()
    assert proof.content == hashlib.sha256(f"{read}  -\n".encode()).hexdigest()
    assert SECRET not in str(image.config)
    assert SECRET not in str(image.manifest)
    layers = list(puller.own(image, puller.pull(BUSYBOX)))
    assert layers
    for layer in layers:
        with layer:
            assert SECRET.encode() not in layer.read()


@EVERY
def test_a_layer_of_500_mb_fits_into_the_containers_memory(built: Built, puller: Puller, builder: str) -> None:
    tree = puller.tree(puller.pull(f"{PUSH}/{builder}:large"))
    assert tree["/large"].size == LARGE
    limit, peak, killed = map(int, MEMORY.findall(built[builder].log)[0])
    assert limit == LIMIT
    assert peak <= limit
    assert killed == 0


def test_the_reference_is_what_its_dockerfile_says(built: Built, puller: Puller) -> None:
    """Else all builders could be wrong together."""
    image = puller.image(puller.pull(f"{PUSH}/{REFERENCE}:everything"))
    tree = image.tree
    assert image.config["Entrypoint"] == ["greet", "--loud"]
    assert (image.config["User"], image.config["WorkingDir"]) == ("2345:2345", "/srv/app/work")
    assert f"GREETING={GREETING}" in image.config["Env"]
    owners = {
        path: tree[path].owner for path in ("/srv/app/words/nested/three", "/opt/numbers/one", "/srv/app/by-root")
    }
    assert owners == {
        "/srv/app/words/nested/three": "2345:2345",
        "/opt/numbers/one": "12:34",
        "/srv/app/by-root": "0:0",
    }
    assert (tree["/opt/links/mode"].mode, tree["/opt/links/group"].mode) == (0o6755, 0o2770)
    assert tree["/opt/tools/chown"].capability == f"0100000201{'0' * 30}"
    assert tree["/opt/kept/first"].links == {"/opt/kept/first", "/opt/kept/second"}
    assert tree["/opt/links/third"].content == "first"
    context = {path.removeprefix("/opt/context/") for path in tree if path.startswith("/opt/context/")}
    assert "keep.log" in context
    assert not {"other.log", "private", "private/key", "words/nested/three.tmp"} & context
    assert not {"/opt/links/gone", "/unused", "/work"} & tree.keys()


def test_what_was_built_runs_and_says_what_it_should(built: Built, admin: Api, home: str) -> None:
    assert all(each.ok for each in built.values())
    images = {
        f"{case}-{builder}": f"{PUSH}/{builder}:{case}" for case in ("hello", "everything") for builder in BUILDERS
    }
    said = running.run(admin, home, images)
    assert {name: text for name, text in said.items() if name.startswith("hello")} == {
        f"hello-{builder}": "Hello World\n" for builder in BUILDERS
    }
    for builder in BUILDERS:
        assert said[f"everything-{builder}"].splitlines() == running.greeting(builder)
