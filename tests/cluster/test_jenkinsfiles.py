"""Every Jenkinsfile of docs/jenkinsfile.md, run as it stands there: its image is pushed, named by digest, and runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from testbed import builds
from testbed.attacks.api import Api
from testbed.attacks.registry import Registry
from tests import jenkinsfiles
from tests.cluster.running import run

AT_ONCE = 3  # builds; a small machine has room for no more
EXAMPLES = jenkinsfiles.examples()
NAME_AND_DIGEST = re.compile(r"(europe-docker\.pkg\.dev/acme/shop/[a-z-]+)(?::[0-9]+)?@(sha256:[0-9a-f]{64})\n?")
DEBIAN = ["I am app", "Hello from a second stage", "written as builder", "checked as app"]
# What an image prints; and by which command, where its own would run for ever.
PRINTS: Mapping[str, list[str]] = {
    **dict.fromkeys((name for name in EXAMPLES if name.startswith("debian-multistage")), DEBIAN),
    "ko-hello": ["Hello from ko"],
    "jib-hello": ["Hello from jib"],
    "apko-hello": ["Hello, world!"],
    "greeting": ["Hello from a pod"],
}
COMMANDS = {"greeting": ["cat", "/site/index.html"]}


@dataclass(frozen=True)
class Built:
    """A build that succeeded: its number, the name and digest in what it archived, and what that image prints."""

    number: int
    image: str
    digest: str
    printed: str


def build(example: jenkinsfiles.Example, admin: Api, home: str) -> Built:
    """Runs an example, which has to succeed, and then its image."""
    job = f"shop/{example.name}"
    result = builds.build(job, example.folder, jenkinsfile=example.file)
    assert result.ok, result.log
    archived = builds.artifact(job, result.number, "image.txt").decode()
    named = NAME_AND_DIGEST.fullmatch(archived)
    assert named, f"{archived!r}\n{result.log}"
    printed = run(admin, home, f"{named[1]}@{named[2]}", COMMANDS.get(example.name, ()))
    return Built(result.number, named[1], named[2], printed)


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, admin: Api, home: str) -> Iterator[Mapping[str, Future[Built]]]:
    """The builds of the examples that the selected tests ask for, some at a time."""
    asked = [item.callspec.params["name"] for item in request.session.items if item.module is request.module]  # type: ignore[attr-defined]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(build, EXAMPLES[name], admin, home) for name in dict.fromkeys(asked)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_image_that_it_names_is_the_one_in_the_registry(
    name: str, results: Mapping[str, Future[Built]], registry: Registry
) -> None:
    built = results[name].result()
    assert registry.manifest(f"{built.image}@{built.digest}").digest == built.digest
    assert registry.manifest(f"{built.image}:{built.number}").digest == built.digest


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_image_runs(name: str, results: Mapping[str, Future[Built]]) -> None:
    assert results[name].result().printed.splitlines() == PRINTS[name]


@pytest.mark.parametrize("name", ["debian-multistage"])
def test_owners_and_ids_are_those_of_the_dockerfile(
    name: str, results: Mapping[str, Future[Built]], admin: Api, home: str
) -> None:
    built = results[name].result()
    files = "/home/app/greeting /usr/local/bin/greet"
    script = f"id -u; stat -c '%u %U:%G %n' {files}; getent passwd builder || echo no builder here"
    assert run(admin, home, f"{built.image}@{built.digest}", ["sh", "-c", script]).splitlines() == [
        "2345",
        "2345 app:app /home/app/greeting",
        "2345 app:app /usr/local/bin/greet",
        "no builder here",
    ]
