"""The stand-in controller's image holds all of the collection that its code imports, also at second hand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from testbed import paths
from testbed.controller.recipe import COLLECTION, MODULE_UTILS

PACKAGE = "ansible_collections.buildkeep.ci.plugins.module_utils"


def imported(file: Path) -> Iterator[str]:
    """The names of the collection's modules that a file imports."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (f"{each.name}.py" for each in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            yield f"{(node.module or '').removeprefix(f'{PACKAGE}.')}.py"


def test_the_image_has_what_is_imported_and_no_more() -> None:
    wanted = {name for file in (paths.TESTBED / "controller").rglob("*.py") for name in imported(file)}
    found: set[str] = set()
    while wanted - found:
        (name, *_) = wanted - found
        found.add(name)
        wanted |= set(imported(paths.ROOT / MODULE_UTILS / name))
    assert found == set(COLLECTION)
