"""Strings of a Jenkinsfile that hold nothing but variables: those of agents, which are known before anything runs."""

from __future__ import annotations

from collections.abc import Mapping

from testbed.controller.failures import GroovyError
from testbed.controller.problems import Problems, name_of
from testbed.controller.syntax import Expression, Text, Variable

# Groovy variables that a pipeline has beside its environment; none of them is a string.
OTHER_VARIABLES = frozenset({"params", "currentBuild", "scm", "docker", "pipeline", "manager", "this", "it"})


def plain(value: Expression) -> str | None:
    """The value of a string without variables, else None."""
    if isinstance(value, Text) and all(isinstance(part, str) for part in value.parts):
        return "".join(map(str, value.parts))
    return None


def _readable(value: Variable) -> bool:
    path = value.path[1:] if value.path[0] == "env" else value.path
    return len(path) == 1 and value.path[0] not in OTHER_VARIABLES


def text(value: Expression, what: str, problems: Problems) -> Text | None:
    """A string, or a variable as one; None (and a problem) for anything else."""
    parts = value.parts if isinstance(value, Text) else (value,)
    for part in parts:
        if isinstance(part, Variable):
            if not _readable(part):
                problems.add(
                    part.pos.line,
                    f"{what}: variable '{'.'.join(part.path)}' is not supported by the stand-in"
                    " controller (variables: env.NAME or NAME)",
                )
                return None
        elif not isinstance(part, str):
            problems.add(part.pos.line, f"{what}: {name_of(part)} is not supported; write a string")
            return None
    return Text(value.pos, tuple(parts))


def evaluate(value: Text, env: Mapping[str, str]) -> str:
    """The string's value; `env.NAME` without a value is 'null', as in Groovy.

    Raises:
        GroovyError: a bare NAME that is not in `env`.
    """
    pieces: list[str] = []
    for part in value.parts:
        if isinstance(part, Variable):
            name = part.path[-1]
            if name not in env and len(part.path) == 1:
                words = f"line {part.pos.line}: No such property: {name} (write env.{name}, or set it in 'environment')"
                raise GroovyError("groovy.lang.MissingPropertyException", words)
            pieces.append(env.get(name, "null"))
        else:
            pieces.append(str(part))
    return "".join(pieces)
