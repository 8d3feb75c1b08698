"""The page of what each builder of Dockerfiles cannot do, from the table that the real builds are held to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.builders.cases import CASES, Case
from tests.cluster.builders.limits import BUILDERS, REFERENCE, Limit, expected, load, words
from tools.generate.markdown import code, table

ROOT = Path(__file__).resolve().parents[2]
# Where the version of each builder stands that the tests compile, and the module's name.
MODULES: Mapping[str, tuple[str, str]] = {
    "kaniko": ("testbed/go/kaniko", "github.com/chainguard-dev/kaniko"),
    "buildkit": ("testbed/go/buildkit", "github.com/moby/buildkit"),
    "buildah": ("testbed/go/buildah", "go.podman.io/buildah"),
    "img": ("images/gcloud-img", "github.com/genuinetools/img"),
}
_SHOWN = 2


def version(builder: str) -> str:
    """The module and version that was tested, as its go.mod says.

    Raises:
        ValueError: it does not say.
    """
    folder, module = MODULES[builder]
    found = re.search(rf"{re.escape(module)} (v\S+)", (ROOT / folder / "go.mod").read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"{folder}/go.mod does not require {module}")
    return f"{module} {found[1]}"


def verdict(builder: str, case: Case) -> str:
    """A cell: what became of a case."""
    if words(builder, case.name):
        return f"[no](#{builder})"
    return f"[but](#{builder})" if expected(builder, case.name) else "yes"


def shown(row: Limit) -> str:
    """How a test shows it: what the build says, or what differs."""
    parts = [f"{code(case)} fails: {code(said)}" for case, said in row.fails.items()]
    for case, found in row.differs.items():
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        parts.append(f"{code(case)}: {', '.join(code(each) for each in found[:_SHOWN])}{more}")
    return "; ".join(parts)


def section(builder: str) -> str:
    """One builder's limits."""
    rows = [
        (row.cannot, row.instead + (f" (shown by {code(row.by)})" if row.by else ""), shown(row))
        for row in load()
        if row.builder == builder
    ]
    tested = f"## {builder}\n\nTested: {code(version(builder))}."
    return (
        f"{tested}\n\n{table(('it cannot', 'instead', 'shown by'), rows)}" if rows else f"{tested} No limit is known."
    )


def page() -> str:
    """What was asked of every builder, and what each makes of it."""
    cases = [case for case in CASES if case.what]
    rows = [(case.what, code(case.name), *(verdict(builder, case) for builder in BUILDERS)) for case in cases]
    return "\n\n".join(
        [
            "Each of these builds runs in every run of the tests, in a pod of the builder's template and started by a "
            "Jenkinsfile (`tests/cluster/builders`). The images are pulled and compared with those of "
            f"{REFERENCE}, file by file with owners, modes, links and capabilities, and then run. `yes`: no container "
            "sees a difference. `but`: it does, in what the builder's table below says and in nothing else. `no`: the "
            "build fails, as the table says. A limit that is gone fails the test, too.",
            "kaniko has two forks. The agents' image is that of `osscontainertools/kaniko`; the tests have that of "
            "`chainguard-dev/kaniko`, which is to be had as a Go module, and use no flag that the other does not have.",
            table(("what", "case", *BUILDERS), rows),
            *(section(builder) for builder in BUILDERS),
        ]
    )
