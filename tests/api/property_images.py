"""Random image references one change away from allowed ones, and agents that ask for many images at once."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Sequence

from tests.api import pods
from tests.api.api import Api
from tests.api.conftest import CLUSTER_IMAGES

# What conftest.tenant_namespace grants, and what holds for every tenant. The builders' repositories are left out:
# they may run as builders only, which another rule says.
ENTRIES = (f"{pods.BASE}/", "gcr.io/team", pods.JNLP, *CLUSTER_IMAGES)
# As many sentences as a message has room for.
LISTED = 6
_PLAIN = string.ascii_lowercase + string.digits
_SPECIAL = ":/@.-_%~+=, \\\t*" + "A\u2215\u0430\u200b\u00e9"
_TOKENS = (
    "//",
    "..",
    "/../",
    "-evil",
    ".evil.example",
    ":5000",
    ":443",
    "@sha256:",
    "/x",
    "library/",
    "%2f",
    "https://",
    "latest",
)


def agent_with(images: Sequence[str]) -> pods.Object:
    """An agent whose containers c0, c1, ... run these images."""
    containers = [{**pods.tool(f"c{number}"), "image": image} for number, image in enumerate(images)]
    return pods.pod("agent", *containers)


def refused(admin: Api, namespace: str, images: Sequence[str]) -> set[str]:
    """Which of the images the pod policy refuses. So few at a time that the message can list them all."""
    answer = admin.pod(namespace, agent_with(images))
    assert answer.ok or "ValidatingAdmissionPolicy 'buildkeep-pods" in answer.message, answer.message
    assert not answer.message.endswith(" ..."), "too many for one message"
    found = re.findall(r"\[(?:images|image-reference)\] container c(\d+), field image", answer.message)
    named = set(re.findall(r"(?:denied request: |; )\[([a-z-]+)\]", answer.message))
    assert named <= {"images", "image-reference"}, answer.message
    return {images[int(number)] for number in found}


def allowed_reference(chance: random.Random) -> str:
    """A reference that the entries let in."""
    folders = ["".join(chance.choices(_PLAIN, k=chance.randint(1, 4))) for _ in range(chance.randint(1, 2))]
    entry = chance.choice(ENTRIES)
    repository = entry + "/".join(folders) if entry.endswith("/") else entry
    digest = "sha256:" + "".join(chance.choices("0123456789abcdef", k=64))
    tag = "".join(chance.choices(string.ascii_letters + string.digits + "_.-", k=chance.randint(0, 8)))
    return repository + chance.choice(("", f":v{tag}", f":v{tag}", f"@{digest}", f":v{tag}@{digest}"))


def one_change(chance: random.Random, ref: str) -> str:
    """The reference with one character put in, taken out or replaced, one letter's case changed, or one word put in.

    Six in ten changes are near the end, in folders, tag or digest, where about half of them leave the image allowed.
    """
    near_end = chance.random() < 0.6
    head = max((len(entry) for entry in ENTRIES if ref.startswith(entry)), default=0)
    place = chance.randrange(head if near_end else 0, len(ref) + 1)
    drawn = chance.choice("0123456789abcdef" if near_end and chance.random() < 0.9 else _PLAIN + _SPECIAL)
    kind = chance.choice((4, 4, 4, 1) if near_end else range(5))
    if place == len(ref):
        return ref + drawn
    if kind == 0:
        return ref[:place] + ref[place + 1 :]
    if kind == 1:
        return ref[:place] + drawn + ref[place:]
    if kind == 2:
        return ref[:place] + ref[place].swapcase() + ref[place + 1 :]
    if kind == 3:
        return ref[:place] + chance.choice(_TOKENS) + ref[place:]
    return ref[:place] + drawn + ref[place + 1 :]


def references(chance: random.Random, count: int) -> list[str]:
    """So many different references, one in ten with two changes. The API itself refuses blanks around them."""
    made: dict[str, None] = {}
    while len(made) < count:
        ref = one_change(chance, allowed_reference(chance)) or "x"
        made[(one_change(chance, ref) if chance.random() < 0.1 else ref).strip() or "x"] = None
    return list(made)
