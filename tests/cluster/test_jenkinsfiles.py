"""Every Jenkinsfile of docs/jenkinsfile.md, run as it stands there: its image is pushed, named by digest, and runs.

Those of ko, Jib and apko also run for a tenant whose repository asks for credentials; tests/cluster/builders does that
for the others.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from testbed import builds, credentials
from testbed.attacks.api import Api
from testbed.attacks.registry import Registry
from testbed.attacks.stage import namespace_path
from tests import jenkinsfiles
from tests.cluster.running import run

AT_ONCE = 3  # builds; a small machine has room for no more
EXAMPLES = jenkinsfiles.examples()
PUSH = {"shop": "europe-docker.pkg.dev/acme/shop", "works": "registry.gitlab.com/acme/works"}
WITH_CREDENTIALS = ("ko-hello", "jib-hello", "apko-hello")
NAME_AND_DIGEST = re.compile(r"(\S+/[a-z-]+)(?::[0-9]+)?@(sha256:[0-9a-f]{64})\n?")
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


Results = Mapping[tuple[str, str], Future[Built]]


def build(example: jenkinsfiles.Example, tenant: str, admin: Api, home: str) -> Built:
    """Runs an example, which has to succeed, and then its image."""
    job = f"{tenant}/{example.name}"
    result = builds.build(job, example.folder, jenkinsfile=example.file)
    assert result.ok, result.log
    archived = builds.artifact(job, result.number, "image.txt").decode()
    named = NAME_AND_DIGEST.fullmatch(archived)
    assert named and named[1].startswith(f"{PUSH[tenant]}/"), f"{archived!r}\n{result.log}"
    printed = run(admin, home, f"{named[1]}@{named[2]}", COMMANDS.get(example.name, ()))
    return Built(result.number, named[1], named[2], printed)


@contextmanager
def secret(admin: Api) -> Iterator[None]:
    """The credentials of the tenant `works`, which are left as they are where somebody else has put them there."""
    path = f"{namespace_path('ci-works')}/secrets"
    made, answer = admin.call("POST", path, credentials.secret("ci-works", credentials.read()))
    assert made in (201, 409), answer
    yield
    if made == 201:
        admin.must("DELETE", f"{path}/{credentials.SECRET}")


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, admin: Api, home: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Results]:
    """The builds that the selected tests ask for, by tenant and example, some at a time."""

    def example(tenant: str, name: str) -> jenkinsfiles.Example:
        found = EXAMPLES[name]
        if tenant == "shop":
            return found
        folder = tmp_path_factory.mktemp(tenant) / found.folder.name
        shutil.copytree(found.folder, folder)
        text = found.text.replace("'shop-", f"'{tenant}-")
        (folder / found.file).write_text(text, encoding="utf-8")
        return jenkinsfiles.Example(folder, found.file, text)

    asked = [item.callspec.params for item in request.session.items if item.module is request.module]  # type: ignore[attr-defined]
    keys = dict.fromkeys((each.get("tenant", "shop"), each["name"]) for each in asked)
    with secret(admin), ThreadPoolExecutor(AT_ONCE) as pool:
        yield {key: pool.submit(build, example(*key), key[0], admin, home) for key in keys}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_image_that_it_names_is_the_one_in_the_registry(name: str, results: Results, registry: Registry) -> None:
    built = results["shop", name].result()
    assert registry.manifest(f"{built.image}@{built.digest}").digest == built.digest
    assert registry.manifest(f"{built.image}:{built.number}").digest == built.digest


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_image_runs(name: str, results: Results) -> None:
    assert results["shop", name].result().printed.splitlines() == PRINTS[name]


@pytest.mark.parametrize("name", ["debian-multistage"])
def test_owners_and_ids_are_those_of_the_dockerfile(name: str, results: Results, admin: Api, home: str) -> None:
    built = results["shop", name].result()
    files = "/home/app/greeting /usr/local/bin/greet"
    script = f"id -u; stat -c '%u %U:%G %n' {files}; getent passwd builder || echo no builder here"
    assert run(admin, home, f"{built.image}@{built.digest}", ["sh", "-c", script]).splitlines() == [
        "2345",
        "2345 app:app /home/app/greeting",
        "2345 app:app /usr/local/bin/greet",
        "no builder here",
    ]


@pytest.mark.parametrize("tenant", ["works"])
@pytest.mark.parametrize("name", WITH_CREDENTIALS)
def test_the_tenant_s_credentials_open_its_repository(
    name: str, tenant: str, results: Results, registry: Registry
) -> None:
    built = results[tenant, name].result()
    assert registry.manifest(f"{built.image}@{built.digest}").digest == built.digest
    assert built.printed.splitlines() == PRINTS[name]
