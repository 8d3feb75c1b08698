"""The images that the test registry holds, as recipes, and the parts that make them.

A recipe is data. `testbed.controller.recipe` gives two of them, without arguments and without doing any work:
`controller_image() -> Recipe` (reference `buildkeep.test/controller`, no tag: the tag becomes a hash of what it is
made of) and `agent_image() -> Recipe` (reference `docker.io/jenkins/inbound-agent:<tag>`).
`reference(recipe)` is the full reference, to be used in manifests.

A recipe's image has up to three layers: the base, the Python packages, the files. Only the last is made anew when
code changes, which takes a second. Its `config` is the OCI image configuration: Entrypoint, Cmd, User, WorkingDir,
Env (list of `NAME=value`; PATH and, where there are packages, PYTHONPATH are set already, a repeated name wins).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed import oci, rootfs, system, wheels
from testbed.parts import Part, Table, key
from testbed.progress import Step

PACKAGES_PATH = "/opt/python"
PYTHON_VERSION = "3.11"


@dataclass(frozen=True)
class Recipe:
    """One image.

    reference: `host/repository:tag`; without a tag the tag is a hash of the ingredients.
    base: `debian` (minbase), `python` (Debian with /usr/bin/python3 3.11 and CA certificates), `scratch`.
    files: path in the image -> a file or folder of this machine (folders with all below, modes kept), bytes, or a
        text `-> target` (symbolic link). Write `/usr/bin/x`, never `/bin/x`: `/bin` is a link in Debian.
    taken: path in the image -> (part, path in that part's folder): what other parts made, such as
        ("tool/executor", "executor").
    packages: names out of the repository's requirements.lock (with their own dependencies named too), put into
        /opt/python, which is on PYTHONPATH.
    config: OCI image configuration, see above.
    compress: gzip's level for the topmost layer, 0 for none.
    """

    reference: str
    base: str = "scratch"
    files: Mapping[str, oci.Source] = field(default_factory=dict)
    taken: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    compress: int = 3

    @property
    def repository(self) -> str:
        """The reference without its tag."""
        head, _, last = self.reference.rpartition("/")
        return f"{head}/{last.split(':')[0]}"

    @property
    def part(self) -> str:
        """The name of the part that makes it: `image/<repository>`; the part's folder is an OCI image layout."""
        return f"image/{self.repository}"

    @property
    def inputs(self) -> tuple[str | Path, ...]:
        """What its part's key is made of."""
        texts = [repr(sorted(self.config.items())), repr(sorted(self.taken.items())),
                 f"{self.reference} {self.base} {self.compress}"]  # fmt: skip
        sources = [s if isinstance(s, Path) else repr(s) for _, s in sorted(self.files.items())]
        return (*texts, *sorted(self.files), *sources, system.architecture())


def environment(recipe: Recipe) -> list[str]:
    """The Env of a recipe's image: the defaults, with the recipe's own over them."""
    values = {"PATH": rootfs.PATH} | ({"PYTHONPATH": PACKAGES_PATH} if recipe.packages else {})
    values |= dict(each.split("=", 1) for each in recipe.config.get("Env", ()))
    return [f"{name}={value}" for name, value in values.items()]


def _build(recipe: Recipe) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        layers = [] if recipe.base == "scratch" else oci.layers(made[f"base/{recipe.base}"])
        if recipe.packages:
            layers += oci.layers(made[f"packages/{recipe.repository}"])
        files: dict[str, oci.Source] = dict(recipe.files)
        files |= {path: made[part] / inner for path, (part, inner) in recipe.taken.items()}
        top = target / "top"
        if files:
            layers.append(oci.write_layer(top, files, compress=recipe.compress))
        oci.write_image(target, layers, {**recipe.config, "Env": environment(recipe)}, system.architecture())
        top.unlink(missing_ok=True)

    return build


def _packages(recipe: Recipe, lock: str) -> Callable[[Path, Step, Mapping[str, Path]], None]:
    def build(target: Path, step: Step, made: Mapping[str, Path]) -> None:
        site = target / "site"
        wheels.install(lock, site, step, PYTHON_VERSION)
        layer = oci.write_layer(target / "layer", {PACKAGES_PATH: site})
        oci.write_image(target, [layer], {}, system.architecture())
        layer.path.unlink()
        shutil.rmtree(site)

    return build


def recipe_parts(recipe: Recipe) -> dict[str, Part]:
    """The parts of one recipe's image."""
    needs = [part for part, _ in recipe.taken.values()]
    needs += [] if recipe.base == "scratch" else [f"base/{recipe.base}"]
    table: dict[str, Part] = {}
    if recipe.packages:
        lock = wheels.locked(wheels.PYTHON_LOCK, recipe.packages)
        name = f"packages/{recipe.repository}"
        table[name] = Part(name, f"fetch the Python packages of {recipe.repository}", 6, "fetch",
                           (lock, *wheels.wheel_options(PYTHON_VERSION)), _packages(recipe, lock),
                           remedy=wheels.REMEDY)  # fmt: skip
        needs.append(name)
    table[recipe.part] = Part(recipe.part, f"pack the image {recipe.repository}", 3, "pack", recipe.inputs,
                              _build(recipe), tuple(dict.fromkeys(needs)))  # fmt: skip
    return table


def reference(table: Table, recipe: Recipe) -> str:
    """A recipe's full reference: its own, or with the hash of its ingredients as the tag."""
    if recipe.reference != recipe.repository:
        return recipe.reference
    return f"{recipe.repository}:{key(table, recipe.part)}"
