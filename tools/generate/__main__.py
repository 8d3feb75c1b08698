"""The command line: writes every generated page, or with `--check` only says which are stale."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from tools.generate import chart, clouds, node_profiles, reference, roles, steps
from tools.generate.markdown import new_page, replace_generated

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "agent-templates"


def pages(root: Path = ROOT) -> Mapping[Path, tuple[str, Callable[[], str]]]:
    """Every generated page: its title when it is new, and what makes its text."""
    made: dict[Path, tuple[str, Callable[[], str]]] = {
        CHART / "README.md": ("agent-templates", partial(chart.values_table, CHART)),
        root / "docs/node-profiles.md": (node_profiles.TITLE, partial(node_profiles.page, CHART)),
        root / "testbed/controller/STEPS.md": (steps.TITLE, steps.page),
        **{root / "docs/reference" / name: page for name, page in reference.PAGES.items()},
    }
    for spec in sorted(root.glob("roles/*/meta/argument_specs.yml")):
        role = spec.parent.parent
        made[role / "README.md"] = (f"buildkeep.ci.{role.name}", partial(roles.readme, role))
    return made


def texts(root: Path = ROOT) -> Mapping[Path, Callable[[str], str]]:
    """Everything generated: for each file, what makes its new text of its old one."""

    def page(title: str, make: Callable[[], str], before: str) -> str:
        return replace_generated(before or new_page(title), make())

    def whole(make: Callable[[], str], _before: str) -> str:
        return make()

    # Profiles first: pages name what is in them.
    profiles = {path: partial(whole, make) for path, make in node_profiles.files(CHART).items()}
    schema = {clouds.path(CHART): partial(whole, clouds.text)}
    return {**profiles, **schema, **{path: partial(page, title, make) for path, (title, make) in pages(root).items()}}


def generate(check: bool) -> list[Path]:
    """Writes the pages, and the profiles for nodes, that are not as they should be; with `check`, writes nothing.

    Returns:
        Those files.
    """
    stale = []
    for path, make in texts().items():
        before = path.read_text(encoding="utf-8") if path.is_file() else ""
        after = make(before)
        if after == before:
            continue
        stale.append(path)
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after, encoding="utf-8")
    return stale


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when `--check` found a stale page."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m tools.generate [--check]", file=sys.stderr)
        return 2
    stale = generate(check=bool(arguments))
    for path in stale:
        print(f"{'stale' if arguments else 'wrote'}: {path.relative_to(ROOT)}")
    if stale and arguments:
        print("run: make generate")
    return 1 if stale and arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
