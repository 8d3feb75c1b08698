"""Whose cache a repository may be, and what is said where it would be somebody else's as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.buildkeep.ci.plugins.module_utils.cache import cache_problems

KANIKO = ("agent templates", "ghcr.io/osscontainertools/kaniko")


def tenant(name: str, registry: str = "", **more: Any) -> dict[str, Any]:
    """A tenant of the inventory with that cache."""
    return {"name": name, "cache": {"registry": registry} if registry else {}, **more}


def problems(*entries: dict[str, Any], shared: Sequence[tuple[str, str]] = (KANIKO,)) -> list[str]:
    """What is wrong with the caches of these tenants."""
    numbered = [(f"tenants[{place}]", entry) for place, entry in enumerate(entries)]
    return [str(problem) for problem in cache_problems(numbered, shared, ("kaniko",))]


@pytest.mark.parametrize(
    "entries",
    [
        [tenant("shop"), tenant("blog")],
        [
            tenant("shop", "ghcr.io/acme/shop-cache", push="ghcr.io/acme/shop"),
            tenant("blog", "ghcr.io/acme/blog-cache"),
        ],
        # The place that kaniko takes by itself.
        [tenant("shop", "ghcr.io/acme/shop/cache", push="ghcr.io/acme/shop")],
        # Names that begin alike are not in each other.
        [tenant("a", "ghcr.io/acme/cache"), tenant("b", "ghcr.io/acme/cache-b", push="ghcr.io/acme/cache-c")],
        [tenant("a", "ghcr.io/acme/cache"), tenant("b", "quay.io/acme/cache")],
        [tenant("a", "ghcr.io/acme/a", images=["ghcr.io/acme/a-base", "ghcr.io/acme/base/", "ghcr.io/acme"])],
        # Who is taken away neither writes nor runs anything.
        [tenant("a", "ghcr.io/acme/c"), tenant("b", "ghcr.io/acme/c", push="ghcr.io/acme/c", state="absent")],
        # What has the wrong form is told elsewhere.
        [tenant("a", "ghcr.io/acme/a", images="ghcr.io/acme/", push=3), tenant("b", images=[4, "ghcr.io"])],
        [tenant("a", builders="kaniko", push=[])],
    ],
)
def test_good_caches(entries: list[dict[str, Any]]) -> None:
    assert problems(*entries) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ghcr.io/acme/c", "ghcr.io/acme/c"),
        ("ghcr.io/acme/c", "ghcr.io/acme/c/blog"),
        ("ghcr.io/acme/c/shop", "ghcr.io/acme/c"),
        ("ghcr.io:443/acme/c", "ghcr.io/acme/c"),
    ],
)
def test_one_cache_for_two_tenants(one: str, other: str) -> None:
    """It is told once, at the later one."""
    (found,) = problems(tenant("shop", one), tenant("blog", other, push="ghcr.io/acme/blog"))
    assert found.startswith(f'tenants[1].cache.registry: "{other}" and buildkeep_tenants[0].cache.registry "{one}"')
    assert found.endswith("the builds of the other would run.") and "such as `ghcr.io/acme/blog-cache`" in found


@pytest.mark.parametrize(
    ("cache", "push"),
    [
        ("ghcr.io/acme/blog", "ghcr.io/acme/blog"),
        ("ghcr.io/acme/blog/cache", "ghcr.io/acme/blog"),
        ("ghcr.io/acme", "ghcr.io/acme/blog"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_a_cache_where_another_pushes(cache: str, push: str, first: bool) -> None:
    shop, blog = tenant("shop", cache, push="quay.io/shop"), tenant("blog", push=push)
    (found,) = problems(shop, blog) if first else problems(blog, shop)
    mine, its = (0, 1) if first else (1, 0)
    assert found.startswith(f'tenants[{mine}].cache.registry: "{cache}" and buildkeep_tenants[{its}].push "{push}" lie')
    assert "such as `quay.io/shop-cache`" in found and "decides what its builds take" in found


def test_a_cache_among_the_own_images() -> None:
    (found,) = problems(tenant("shop", "ghcr.io/acme/shop", push="ghcr.io/acme/shop"))
    assert found == (
        'tenants[0].cache.registry: "ghcr.io/acme/shop" is the tenant\'s push repository as well. '
        "Keep layers and images apart, such as in `ghcr.io/acme/shop/cache`."
    )


@pytest.mark.parametrize("entry", ["ghcr.io/acme/", "ghcr.io/acme/c", "ghcr.io/acme/c/", "ghcr.io/acme/c/x"])
@pytest.mark.parametrize("whose", ["own", "another's", "all"])
def test_a_cache_that_could_be_run(entry: str, whose: str) -> None:
    lists: tuple[dict[str, Any], ...] = {
        "own": ({"images": [entry]}, {}),
        "another's": ({}, {"images": [entry]}),
        "all": ({}, {}),
    }[whose]
    shared = [KANIKO, *([("buildkeep_images[0]", entry)] if whose == "all" else [])]
    (found,) = problems(tenant("shop", "ghcr.io/acme/c", **lists[0]), tenant("blog", **lists[1]), shared=shared)
    where = {"own": "buildkeep_tenants[0].images[0]", "another's": "buildkeep_tenants[1].images[0]"}
    assert found == (
        f'tenants[0].cache.registry: "ghcr.io/acme/c" is let in as an image by "{entry}" of '
        f"{where.get(whose, 'buildkeep_images[0]')}. Take a repository that no allowlist lets in, or narrow "
        "the entry: layers of a cache must never be run as an image."
    )


def test_a_cache_where_a_builder_comes_from() -> None:
    """Whoever fills it could replace the builder, which has rights that nothing else has."""
    (found,) = problems(tenant("shop", "ghcr.io/osscontainertools/kaniko"))
    assert '"ghcr.io/osscontainertools/kaniko" of agent templates' in found


@pytest.mark.parametrize(
    ("registry", "words"),
    [
        ("docker.io/cache", "lacks its folder"),
        ("index.docker.io/acme/cache", "is an alias of Docker Hub; write docker.io/acme/cache"),
        ("ghcr.io/acme/cache:1", "names a tag"),
    ],
)
def test_a_cache_is_a_repository(registry: str, words: str) -> None:
    (found,) = problems(tenant("shop", registry, push=registry))
    assert found.startswith("tenants[0].cache.registry: ") and words in found


def test_claims() -> None:
    claims = {"kaniko": "c", "buildkit": "c"}
    assert problems({"name": "a", "cache": {"claims": claims}}) == [
        'tenants[0].cache.claims.buildkit: "c" is for a builder that the tenant does not have. '
        "Add buildkit to its builders, or leave the claim out.",
        'tenants[0].cache.claims.buildkit: "c" is the claim of kaniko as well. Give each builder a claim of its own.',
    ]
    good = {"kaniko": "bases", "buildkit": "state"}
    assert problems({"name": "a", "builders": ["kaniko", "buildkit"], "cache": {"claims": good}}) == []
    assert problems({"name": "a", "builders": [], "cache": {"claims": good}, "state": "absent"}) == []
