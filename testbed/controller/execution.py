"""A step in a container: an exec that starts it in the background, while the agent follows the files that it writes.

As Jenkins' durable-task plugin does (BourneShellScript.java), so that an exec whose connection breaks ends no step.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from testbed.agent.protocol import LOG, RESULT

# What a step's processes are found by (kubernetes-plugin, ContainerExecDecorator).
COOKIE = "JENKINS_SERVER_COOKIE"


def recorded(argv: Sequence[str], control: str, output: str = "") -> str:
    """A shell command that starts `argv`, its output in the log and its exit code in the result file of `control`.

    The shell runs in the container, so all files belong to the container's user, in a folder of the agent's. The result
    comes under its name when it is whole.

    Args:
        argv: what is run.
        control: the step's folder.
        output: a file for what it prints, where that is wanted and not for the log.
    """
    log, result = (shlex.quote(f"{control}/{name}") for name in (LOG, RESULT))
    streams = f"> {shlex.quote(output)} 2> {log}" if output else f"> {log} 2>&1"
    return (
        f": > {log} && {{ {{ {shlex.join(argv)} {streams}; echo $? > {result}.tmp; mv {result}.tmp {result}; }}"
        " < /dev/null > /dev/null 2>&1 & }"
    )


def exports(env: Mapping[str, str]) -> str:
    """What a shell reads to have these variables: a file, since the API server's audit log has an exec's command."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items())


def enter(folder: str, variables: str, command: str) -> str:
    """A shell command that runs `command` in `folder` with the variables of the file `variables`."""
    return f"cd {shlex.quote(folder)} && . {shlex.quote(variables)} && {command}"


def killing(cookie: str) -> str:
    """A shell command that ends a step's processes in a container; it needs grep and cut, as the plugin's does."""
    return f"kill $(grep -l '{COOKIE}={cookie}' /proc/*/environ 2>/dev/null | cut -d / -f 3)"
