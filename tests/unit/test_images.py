"""Image references and allowlist entries."""

from __future__ import annotations

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.images import (
    entry_problem,
    is_allowed,
    is_canonical,
    repository,
    template_images,
)
from ansible_collections.buildkeep.ci.plugins.module_utils.profiles import load_profiles
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "sha256:" + 64 * "0"
WORDS = st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", fullmatch=True)
HOSTS = st.sampled_from(["gcr.io", "a.b.example", "localhost", "host:5000", "localhost:5000", "r.example:443"])
REPOSITORIES = st.builds(
    "/".join, st.tuples(HOSTS).flatmap(lambda h: st.lists(WORDS, min_size=1, max_size=3).map(lambda w: [*h, *w]))
)
TAGS = st.sampled_from(["", ":1", ":v1.2_x-y", f"@{DIGEST}", f":1@{DIGEST}"])


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("docker.io/jenkins/agent:1", "docker.io/jenkins/agent"),
        (f"host:5000/x@{DIGEST}", "host:5000/x"),
        (f"host:5000/x/y:1@{DIGEST}", "host:5000/x/y"),
        ("host:5000/x", "host:5000/x"),
    ],
)
def test_repository(image: str, wanted: str) -> None:
    assert repository(image) == wanted


@given(REPOSITORIES, TAGS)
def test_what_is_built_by_the_grammar_is_canonical_and_allowed_by_its_own_entries(name: str, tag: str) -> None:
    ref = name + tag
    assert is_canonical(ref) and repository(ref) == name
    folder = name.rsplit("/", 1)[0]
    assert is_allowed(ref, [name]) and is_allowed(ref, [folder + "/"])
    assert not is_allowed(ref, []) and not is_allowed(ref, ["", "/", "*", "gcr.io", folder])
    assert not is_allowed(ref, [name + "x", name + "/"]) and not is_allowed(name + "-evil" + tag, [name])


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=3))
def test_whatever_is_allowed_is_canonical(ref: str, entries: list[str]) -> None:
    assert is_canonical(ref) or not is_allowed(ref, entries)


@pytest.mark.parametrize(
    "ref", ["gcr.io/x:1\n", "gcr.io/x\n", "GCR.io/x", "x", "x/y", "host:1:2/x", "gcr.io/", "gcr.io"]
)
def test_not_canonical(ref: str) -> None:
    assert not is_canonical(ref)


@pytest.mark.parametrize(
    "entry",
    [
        "ghcr.io/acme/base",
        "ghcr.io/acme/",
        "docker.io/library/debian",
        "registry.corp.example/",
        "host:5000/x",
        "localhost/x",
    ],
)
def test_good_entries(entry: str) -> None:
    assert entry_problem(entry) is None


@pytest.mark.parametrize(
    ("entry", "remedy"),
    [
        ("", "write a repository"),
        (" ", "write a repository"),
        ("ghcr.io/a,ghcr.io/b", "each repository as its own entry"),
        (" ghcr.io/a", "each repository as its own entry"),
        ("https://ghcr.io/a", "leave the scheme out"),
        ("ghcr.io/acme/*", "end a prefix with '/'"),
        ("ghcr.io/acme/x@sha256:00", "write ghcr.io/acme/x"),
        ("ghcr.io/acme/x:1", "write ghcr.io/acme/x"),
        ("GHCR.io/acme/X", "write ghcr.io/acme/x"),
        ("gcr.io", "write gcr.io/ for the whole registry, or gcr.io/REPOSITORY"),
        ("nginx", "write docker.io/library/nginx"),
        ("nginx:1", "write docker.io/library/nginx"),
        ("team/x", "write docker.io/team/x"),
        ("index.docker.io/library/x", "write docker.io/library/x"),
        ("docker.io/", "list its repositories one by one"),
        ("docker.io/bitnami/", "list its repositories one by one"),
        ("docker.io/debian", "write docker.io/library/debian"),
        ("gcr.io/", "add your project: gcr.io/PROJECT/"),
        ("europe-docker.pkg.dev/", "add your project: europe-docker.pkg.dev/PROJECT/"),
        ("ghcr.io/a//b", "is no repository name"),
        ("r.example//", "is no repository name"),
        ("ghcr.io/../b", "is no repository name"),
    ],
)
def test_bad_entries_name_the_remedy(entry: str, remedy: str) -> None:
    problem = entry_problem(entry)
    assert problem is not None and problem.startswith(f"'{entry}' ") and remedy in problem


@given(st.one_of(REPOSITORIES, REPOSITORIES.map(lambda name: name + "/"), st.text(max_size=40)))
def test_a_good_entry_opens_no_other_registry(entry: str) -> None:
    if entry_problem(entry) is None:
        assert not is_allowed("evil.invalid/x:1", [entry]) and "/" in entry


def test_template_images() -> None:
    """The agent's, and those of builders with rights; nobody need run an image for its being a builder without any."""
    assert template_images(load_profiles()) == [
        *("docker.io/jenkins/inbound-agent", "ghcr.io/osscontainertools/kaniko"),
        *("docker.io/moby/buildkit", "quay.io/buildah/stable"),
    ]
