"""The rules about images say of 10,000 random references what the Python matcher says, on a live API server."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from ansible_collections.buildkeep.ci.plugins.module_utils.images import is_allowed, is_canonical

from tests.api.api import Api
from tests.api.properties import seed
from tests.api.property_images import ENTRIES, LISTED, agent_with, references, refused

REFERENCES = 10_000
ALONE = 400


def batches(images: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """The images in groups of so many."""
    for start in range(0, len(images), size):
        yield images[start : start + size]


def test_cel_and_python_agree_one_change_away_from_allowed_images(admin: Api, shop: str) -> None:
    drawn = seed()
    made = references(random.Random(drawn), REFERENCES)  # noqa: S311 - test data
    good = [ref for ref in made if is_allowed(ref, ENTRIES)]
    bad = [ref for ref in made if not is_allowed(ref, ENTRIES)]
    assert min(len(good), len(bad)) >= REFERENCES / 3, (len(good), len(bad))
    assert min(sum(map(is_canonical, bad)), sum(not is_canonical(ref) for ref in bad)) >= REFERENCES / 12
    # An admitted pod proves all its images allowed; a refusal names each image that is not.
    for batch in batches(good, 60):
        assert refused(admin, shop, batch) == set(), f"seed {drawn}"
    for batch in batches(bad, LISTED):
        assert refused(admin, shop, batch) == set(batch), f"seed {drawn}"
    # Alone they fare as in company.
    for ref in made[:ALONE]:
        answer = admin.pod(shop, agent_with([ref]))
        assert answer.ok == is_allowed(ref, ENTRIES), (drawn, ref, answer.message)
        rule = "images" if is_canonical(ref) else "image-reference"
        assert answer.ok or f"[{rule}] container c0, field image: " in answer.message, (drawn, ref, answer.message)
