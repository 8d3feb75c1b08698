"""Everything shown once: a cluster, site.yml on it, an image built without privileges, and attacks refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed import cluster, paths
from testbed.errors import TestbedError

PYTHON = "$(tools/venv)/bin/python"
JOB, EXAMPLE = "shop/hello-world", paths.ROOT / "examples" / "hello-world"
ESCAPES = re.compile(r"\033\[[0-9;]*[a-zA-Z]")
BOLD, DIM, GREEN, RED, PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m"


@dataclass(frozen=True)
class Screen:
    """Where the demonstration is shown: a terminal that wants colours, or plain lines."""

    coloured: bool
    width: int

    def paint(self, text: str, *codes: str) -> str:
        """The text in colours, where they are wanted."""
        return f"{''.join(codes)}{text}{PLAIN}" if self.coloured else text

    def title(self, place: str, text: str) -> None:
        """The line that begins an act."""
        line = "\u2500" * max(3, self.width - len(place) - len(text) - 3) if self.coloured else "=" * 8
        print(f"\n{self.paint(f'{place} {text}', BOLD)} {self.paint(line, DIM)}", flush=True)

    def quote(self, line: str) -> None:
        """A line that somebody else printed."""
        bar = self.paint("\u2502", DIM) if self.coloured else "|"
        text = line.rstrip() if self.coloured else ESCAPES.sub("", line).rstrip()
        print(f"{bar} {text}", flush=True)


def environment(base: Mapping[str, str], screen: Screen) -> dict[str, str]:
    """The environment of the commands: the locked tools first on PATH, UTF-8, and the same cluster for all."""
    chosen = {"ANSIBLE_FORCE_COLOR": "1"} if screen.coloured else {"ANSIBLE_NOCOLOR": "1"}
    return {
        **base,
        **chosen,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{base.get('PATH', os.defpath)}",
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "BUILDKEEP_CLUSTER": paths.cluster_name(),
    }


def run(screen: Screen, words: Sequence[str], remedy: str) -> None:
    """Runs a command in the checkout and quotes what it prints.

    Raises:
        TestbedError: it ended badly; `remedy` says what to do.
    """
    print(screen.paint(f"$ {' '.join(words)}", DIM), flush=True)
    process = subprocess.Popen(
        list(words), cwd=paths.ROOT, env=environment(os.environ, screen), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    with process:
        for line in process.stdout or ():
            screen.quote(line)
    if process.returncode:
        raise TestbedError(f"{words[0]} ended with exit code {process.returncode}", remedy=remedy)


def make_cluster(screen: Screen) -> None:
    """The first act: the test cluster, which shows its own progress."""
    cluster.up(cluster.named(), basic=True)


def make_safe(screen: Screen) -> None:
    """The second act: site.yml on it, as on any cluster."""
    run(
        screen,
        ["ansible-playbook", "site.yml"],
        "The task that failed says why; run `make demo` again, it goes on there.",
    )


def build_image(screen: Screen) -> None:
    """The third act: the example's Jenkinsfile, run as an author of shop would see it."""
    from testbed import builds

    print(screen.paint(f"$ cat {EXAMPLE.relative_to(paths.ROOT)}/Jenkinsfile", DIM))
    for line in (EXAMPLE / "Jenkinsfile").read_text(encoding="utf-8").splitlines():
        screen.quote(line)
    print(
        screen.paint(f"$ python -m testbed build --job {JOB} --dir {EXAMPLE.relative_to(paths.ROOT)}", DIM), flush=True
    )
    if not builds.build(JOB, EXAMPLE, echo=screen.quote).ok:
        raise TestbedError(f"the build {JOB} failed", remedy="Its log above says why.")


def try_attacks(screen: Screen) -> None:
    """The fourth act: what the same author, or a thief of the controller's token, must not be able to do."""
    from testbed.attacks import session
    from testbed.attacks.outcome import example, table

    outcomes = session.attack_shown(paths.kubeconfig())
    print(f"\n{table(outcomes, screen.coloured)}")
    if not outcomes or any(outcome.problems for outcome in outcomes):
        raise TestbedError("not every attack was refused by what has to refuse it", remedy="See the lines above.")
    print("\nWhat the log of a refused build says, here that of the look-alike of gcr.io:")
    for line in textwrap.wrap(example(outcomes), screen.width - 2, break_on_hyphens=False):
        screen.quote(line)


ACTS: Sequence[tuple[str, Callable[[Screen], None]]] = (
    ("a kind cluster, with a registry and a Jenkins controller", make_cluster),
    ("ansible-playbook site.yml makes it safe for builds", make_safe),
    ("an unprivileged agent builds an image from a Jenkinsfile", build_image),
    ("attacks, refused by the API server", try_attacks),
)


def last_screen(screen: Screen, seconds: float) -> str:
    """What is there now, how to look at it, and how to take it away."""
    kubectl = f"kubectl --kubeconfig {os.path.relpath(paths.kubeconfig(), paths.ROOT)}"
    name = paths.cluster_name()
    this = "" if name == "buildkeep" else f"BUILDKEEP_CLUSTER={name} "
    rows = (
        ("what is protected", f"{kubectl} get namespaces -L buildkeep.dev/tenant,buildkeep.dev/mode"),
        ("by which rules", f"{kubectl} get validatingadmissionpolicies"),
        ("build it again", f"{this}{PYTHON} -m testbed build --job {JOB} --dir {EXAMPLE.relative_to(paths.ROOT)}"),
        ("attack it again", f"{this}{PYTHON} -m testbed.attacks"),
        ("images of all builders", f"{this}make up"),
        ("kubectl, if you have none", f"{PYTHON} -m testbed tool kubectl"),
        ("take it down", f"{this}make down"),
    )
    width = max(len(label) for label, _ in rows)
    lines = [f"  {label.ljust(width)}  {screen.paint(command, BOLD)}" for label, command in rows]
    headline = f"Done in {seconds:.0f} s. The cluster `{name}` is running."
    there = "In it: a registry with an image of kaniko, a stand-in for the Jenkins controller, and a few tenants."
    return "\n".join(["", screen.paint(headline, GREEN), there, "", *lines])


def main() -> int:
    """Plays the acts in order; returns the exit code."""
    # The collection is importable only through its own folder, which must come first.
    sys.path.insert(0, str(paths.ROOT / "collections"))
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    screen = Screen(coloured, min(shutil.get_terminal_size().columns, 120))
    started = time.monotonic()
    for number, (text, act) in enumerate(ACTS, 1):
        screen.title(f"[{number}/{len(ACTS)}]", text)
        begun = time.monotonic()
        try:
            act(screen)
        except (TestbedError, OSError, RuntimeError) as error:
            print(f"\n{screen.paint('The demonstration stopped:', RED, BOLD)} {error}", file=sys.stderr)
            return 1
        print(screen.paint(f"({time.monotonic() - begun:.0f} s)", DIM), flush=True)
    print(last_screen(screen, time.monotonic() - started))
    return 0


if __name__ == "__main__":
    sys.exit(main())
