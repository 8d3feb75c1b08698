"""Published images instead of our own builds, where container registries can be reached: faster, and the real thing."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from testbed import oci, system
from testbed.errors import TestbedError
from testbed.images import Recipe
from testbed.parts import Part
from testbed.progress import Step

# The node image that kind v0.33.0 names as its own default.
NODE_IMAGE = "docker.io/kindest/node:v1.37.0@sha256:a1ed56cfb0e7b93589bdf97c8cd566405a265939e3620fc4f5de89adff580ae5"
PYTHON_IMAGE = "docker.io/library/python:3.11-slim-bookworm"
PROBE_SECONDS = 5
CHOICES = ("published", "packages")
REMEDY = "Run it again with BUILDKEEP_IMAGES=packages: everything is then built from package registries."
_TOKEN = "https://auth.docker.io/token?service=registry.docker.io&scope=repository:kindest/node:pull"  # noqa: S105
_MANIFEST = f"https://registry-1.docker.io/v2/kindest/node/manifests/{NODE_IMAGE.partition('@')[2]}"


def forced() -> str:
    """The choice that BUILDKEEP_IMAGES makes, '' if none; raises TestbedError for a word that is no choice."""
    word = os.environ.get("BUILDKEEP_IMAGES", "")
    if word and word not in CHOICES:
        remedy = f"Set it to one of {', '.join(CHOICES)}, or not at all."
        raise TestbedError(f"BUILDKEEP_IMAGES is {word!r}", remedy=remedy)
    return word


def reachable() -> bool:
    """Whether kind's published node image could be pulled now, found out in a few seconds."""
    try:
        with urllib.request.urlopen(_TOKEN, timeout=PROBE_SECONDS) as answer:
            token = json.load(answer)["token"]
        request = urllib.request.Request(
            _MANIFEST, method="HEAD", headers={"Authorization": f"Bearer {token}", "Accept": "*/*"}
        )
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (OSError, ValueError, KeyError):  # no network, a proxy's error page
        return False


def _pull(image: str, top: Mapping[str, oci.Source]) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        pulled = target / "pulled"
        platform = f"linux/{system.architecture()}"
        step.run([made["tool/crane"] / "crane", "pull", "--format=oci", f"--platform={platform}", image, pulled])
        if top:
            layer = oci.write_layer(target / "top", top)
            _, _, config = oci.read(pulled)
            oci.write_image(target, [*oci.layers(pulled), layer], config["config"], system.architecture())
            layer.path.unlink()
            shutil.rmtree(pulled)
        else:
            for path in pulled.iterdir():
                path.rename(target / path.name)
            pulled.rmdir()

    return build


def _part(name: str, image: str, seconds: int, top: Mapping[str, oci.Source]) -> Part:
    return Part(name, f"pull {image}", seconds, "fetch", (image, repr(sorted(top.items())), system.architecture()),
                _pull(image, top), ("tool/crane",), REMEDY)  # fmt: skip


def parts(recipes: tuple[Recipe, ...], debian: Recipe, bases: Mapping[str, Recipe]) -> dict[str, Part]:
    """The parts that take the place of our own: the images of `recipes`, and the bases of the stand-ins.

    `bases` maps the name of a further base to the one of `recipes` that has what it has.
    """
    table = {recipe.part: _part(recipe.part, recipe.reference, 10, {}) for recipe in recipes}
    table["base/debian"] = _part("base/debian", debian.reference, 10, {})
    # What has newuidmap, Go and Java: the images of our own making that begin with these hold static programs.
    for name, recipe in bases.items():
        table[f"base/{name}"] = replace(table[recipe.part], name=f"base/{name}")
    # Recipes call Python by the path that it has in Debian's own package.
    table["base/python"] = _part("base/python", PYTHON_IMAGE, 15, {"/usr/bin/python3": "-> ../local/bin/python3"})
    return table
