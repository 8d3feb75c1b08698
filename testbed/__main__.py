"""The command line of the test cluster: `python -m testbed up|down|status|tool|images|build`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence

from testbed import cluster, tools
from testbed.errors import TestbedError


def _up(arguments: argparse.Namespace) -> int:
    this = cluster.named()
    changed = cluster.up(this, basic=arguments.basic)
    print(cluster.status(this)[1] if changed else f"cluster {this.name}: is up\nkubeconfig: {this.kubeconfig}")
    return 0


def _down(arguments: argparse.Namespace) -> int:
    cluster.down(cluster.named())
    return 0


def _status(arguments: argparse.Namespace) -> int:
    whole, text = cluster.status(cluster.named())
    print(text)
    return 0 if whole else 1


def _tool(arguments: argparse.Namespace) -> int:
    print(tools.tool(arguments.name))
    return 0


def _images(arguments: argparse.Namespace) -> int:
    print("\n".join(cluster.images()))
    return 0


VARIABLES = """\
environment variables:
  BUILDKEEP_CLUSTER        name of the cluster (default buildkeep); clusters of different names run side by side
  BUILDKEEP_CACHE          folder of all that is made once (default ~/.cache/buildkeep)
  BUILDKEEP_IMAGES         published | packages: pull published images, or build all from package registries
                           (default: published where they can be pulled)
  BUILDKEEP_ENGINE         docker | podman (default: Docker where its daemon answers)
  BUILDKEEP_DEBIAN_MIRROR  where debootstrap gets Debian, if not from its own default
  BUILDKEEP_TOOLS_DIR      folder of finished commands that are taken as they are
"""
COMMANDS: dict[str, tuple[str, Callable[[argparse.Namespace], int]]] = {
    "up": ("make the cluster, or bring a running one to the present images", _up),
    "down": ("delete the cluster; only the cache stays", _down),
    "status": ("say whether the cluster is up (exit code 0) and where its kubeconfig is", _status),
    "tool": ("print the path of a command, which is made if it is missing", _tool),
    "images": ("list the images that the test registry holds", _images),
}


def main(words: Sequence[str]) -> int:
    """Runs a command; returns its exit code."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m testbed", description="The test cluster.", epilog=VARIABLES, formatter_class=shape
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, _) in COMMANDS.items():
        sub = subparsers.add_parser(name, help=text, description=text)
        if name == "tool":
            sub.add_argument("name", choices=sorted(tools.HOLDERS))
        if name == "up":
            sub.add_argument("--basic", action="store_true", help="of all builders make kaniko alone, as the demo does")
    subparsers.add_parser("build", help="run a build on the stand-in controller (see `build --help`)", add_help=False)
    if words[:1] == ["build"]:
        return int(importlib.import_module("testbed.builds").main(list(words[1:])))
    arguments = parser.parse_args(words)
    return COMMANDS[arguments.command][1](arguments)


def run(words: Sequence[str]) -> int:
    """`main`, with errors as text for people instead of a trace."""
    try:
        return main(words)
    except TestbedError as error:
        print(f"\n{error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where this run ended.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
