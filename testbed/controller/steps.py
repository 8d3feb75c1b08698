"""Steps and values of a Jenkinsfile: from syntax tree to model, and strings to their values at run time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from testbed.controller.model import Archive, Container, Echo, Sh, Step
from testbed.controller.problems import Problems, name_of
from testbed.controller.syntax import Call, Expression, Literal, Text, Variable

# Groovy variables that a pipeline has beside its environment; none of them is here.
OTHER_VARIABLES = frozenset({"params", "currentBuild", "scm", "docker", "pipeline", "manager", "this", "it"})

# Options that change nothing here: their defaults, and the record of which builds a file went through.
PASSED_OVER = frozenset({("returnStdout", False), ("returnStatus", False), ("allowEmptyArchive", False),
                         ("fingerprint", True), ("fingerprint", False)})  # fmt: skip


class UnknownVariableError(Exception):
    """A bare variable that is not in the environment (Groovy: MissingPropertyException)."""


def plain(value: Expression) -> str | None:
    """The value of a string without variables, else None."""
    if isinstance(value, Text) and all(isinstance(part, str) for part in value.parts):
        return "".join(map(str, value.parts))
    return None


def _readable(value: Variable) -> bool:
    path = value.path[1:] if value.path[0] == "env" else value.path
    return len(path) == 1 and value.path[0] not in OTHER_VARIABLES


def text(value: Expression, what: str, problems: Problems) -> Text | None:
    """A string, or a variable as one; None (and a problem) for anything that has no value at run time here."""
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
        UnknownVariableError: a bare NAME that is not in `env`.
    """
    pieces: list[str] = []
    for part in value.parts:
        if isinstance(part, Variable):
            name = part.path[-1]
            if name not in env and len(part.path) == 1:
                raise UnknownVariableError(
                    f"line {part.pos.line}: No such property: {name} (write env.{name}, or set it in 'environment')"
                )
            pieces.append(env.get(name, "null"))
        else:
            pieces.append(str(part))
    return "".join(pieces)


def read_steps(call: Call, problems: Problems) -> tuple[Step, ...]:
    """The steps in the body of `call`; reports each that is not supported."""
    found: list[Step] = []
    for statement in call.body or ():
        if not isinstance(statement, Call):
            problems.unsupported(statement, "as a step")
        elif statement.name not in STEPS:
            problems.add(
                statement.pos.line,
                f"step '{statement.name}' is not supported by the stand-in controller (steps: {', '.join(STEPS)})",
            )
        else:
            step = STEPS[statement.name](statement, problems)
            found += [step] if step else []
    return tuple(found)


def _options(call: Call, first: str, allowed: tuple[str, ...], problems: Problems) -> dict[str, Text]:
    """Named arguments as strings; one positional argument is `first`. Reports the rest, and a missing `first`."""
    given = [(first, arg) for arg in call.args] + list(call.named)
    if len(call.args) > 1:
        problems.add(call.pos.line, f"step '{call.name}' takes one argument without a name")
    found: dict[str, Text] = {}
    for name, value in given:
        if isinstance(value, Literal) and (name, value.value) in PASSED_OVER:
            continue
        if name not in allowed:
            problems.add(
                value.pos.line,
                f"option '{name}' of step '{call.name}' is not supported by the stand-in controller"
                f" (options: {', '.join(allowed)})",
            )
            continue
        string = text(value, f"step '{call.name}', {name}", problems)
        found |= {name: string} if string else {}
    if first not in (name for name, _ in given):
        problems.add(call.pos.line, f"step '{call.name}' needs its argument '{first}'")
    if call.body is not None and call.name != "container":
        problems.add(call.pos.line, f"step '{call.name}' takes no block")
    return found


def _sh(call: Call, problems: Problems) -> Step | None:
    options = _options(call, "script", ("script", "label"), problems)
    return Sh(call.pos.line, options["script"], options.get("label")) if "script" in options else None


def _echo(call: Call, problems: Problems) -> Step | None:
    options = _options(call, "message", ("message",), problems)
    return Echo(call.pos.line, options["message"]) if options else None


def _archive(call: Call, problems: Problems) -> Step | None:
    options = _options(call, "artifacts", ("artifacts",), problems)
    return Archive(call.pos.line, options["artifacts"]) if "artifacts" in options else None


def _container(call: Call, problems: Problems) -> Step | None:
    options = _options(call, "name", ("name", "shell"), problems)
    if call.body is None:
        problems.add(call.pos.line, "step 'container' needs a block: container('name') { ... }")
    inner = read_steps(call, problems)
    return Container(call.pos.line, options["name"], inner, options.get("shell")) if "name" in options else None


STEPS: dict[str, Callable[[Call, Problems], Step | None]] = {
    "archiveArtifacts": _archive, "container": _container, "echo": _echo, "sh": _sh,
}  # fmt: skip
