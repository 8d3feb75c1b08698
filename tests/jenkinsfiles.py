"""The Jenkinsfiles of docs/jenkinsfile.md, and the examples that they are of. Pure: files as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/jenkinsfile.md"
EXAMPLES = ROOT / "examples"
FENCED = re.compile(r"^```groovy\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A Jenkinsfile of the page: the folder that it is for, its file's name there, and its text on the page."""

    folder: Path
    file: str
    text: str

    @property
    def name(self) -> str:
        """Short and unlike any other's: `ko-hello`, `debian-multistage-buildkit`."""
        return f"{self.folder.name}-{self.file.removesuffix('Jenkinsfile')}".strip("-.")


def whole(page: str) -> list[str]:
    """The complete Jenkinsfiles among the page's blocks of Groovy."""
    return [block for block in FENCED.findall(page) if re.search(r"^pipeline \{$", block, re.MULTILINE)]


def examples() -> Mapping[str, Example]:
    """The page's Jenkinsfiles by name.

    Raises:
        KeyError: one of them is none of the examples' files, letter by letter.
    """
    files = {path.read_text(encoding="utf-8"): path for path in sorted(EXAMPLES.glob("*/*Jenkinsfile"))}
    found = [(text, files[text]) for text in whole(PAGE.read_text(encoding="utf-8"))]
    made = [Example(path.parent, path.name, text) for text, path in found]
    return {example.name: example for example in made}
