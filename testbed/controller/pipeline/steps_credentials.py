"""withCredentials: a folder's credentials as variables of a block, masked in the log."""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from testbed.controller.failures import BuildError
from testbed.controller.pipeline.context import Context
from testbed.controller.pipeline.steps_files import packed
from testbed.controller.pipeline.table import Invocation, Parameter, Step, Symbol
from testbed.controller.values import Described

ID, VARIABLE = {"credentialsId": Parameter(required=True)}, {"variable": Parameter(required=True)}
SYMBOLS = (
    Symbol("string", {**ID, **VARIABLE}),
    Symbol("file", {**ID, **VARIABLE}),
    Symbol(
        "usernamePassword",
        {**ID, "usernameVariable": Parameter(required=True), "passwordVariable": Parameter(required=True)},
    ),
)


@contextmanager
def bound(context: Context, bindings: list[Any], line: int) -> Iterator[Context]:
    """The context with credentials in its environment, for as long as the block runs.

    After credentials-binding: values are masked in the log; a secret file is on the agent while the block runs.

    Args:
        context: where the block runs.
        bindings: what `string(...)`, `file(...)` and `usernamePassword(...)` gave.
        line: where it stands, for errors.

    Raises:
        BuildError: the job's folder has no such credential, or not of that kind.
    """
    env: dict[str, str] = {}
    written: list[str] = []
    state = context.state
    for each in bindings:
        if not isinstance(each, Described) or each.symbol not in (symbol.name for symbol in SYMBOLS):
            raise BuildError(f"line {line}: withCredentials: write string(...), file(...) or usernamePassword(...)")
        values = state.credentials.of_kind(each.values["credentialsId"], each.symbol)
        for name in ("text", "password"):
            if name in values:
                state.log.mask(values[name].decode())
        if each.symbol == "string":
            env[each.values["variable"]] = values["text"].decode()
        elif each.symbol == "usernamePassword":
            state.log.mask(values["username"].decode())
            env[each.values["usernameVariable"]] = values["username"].decode()
            env[each.values["passwordVariable"]] = values["password"].decode()
        else:
            node = context.agent("withCredentials", line)
            workspace = context.environment().get("WORKSPACE", "")
            folder = f"{workspace}@tmp/secretFiles/{secrets.token_hex(8)}"
            name = posixpath.basename(values["filename"].decode().strip()) or "secret"
            written.append(folder)
            node.unpack(folder, packed(name, values["data"], 0o644))
            env[each.values["variable"]] = f"{folder}/{name}"
            state.log.mask(f"{folder}/{name}")  # the path is what Jenkins masks of a file, not its content
    masked = ", ".join(f"${name}" for name in env)
    state.log.line(f"Masking supported pattern matches of {masked}")
    try:
        yield replace(context, env={**context.env, **env})
    finally:
        for folder in written:
            context.agent("withCredentials", line).remove(folder)


def _with_credentials(call: Invocation) -> Any:
    with bound(call.context, call["bindings"], call.line) as context:
        return call.inside(context)


STEPS = (
    Step(
        "withCredentials",
        "gives its block credentials of the job's folder",
        _with_credentials,
        {"bindings": Parameter("list", required=True)},
        "bindings",
        block=True,
    ),
)


def environment_bindings(context: Context, name: str, identifier: str) -> tuple[list[Described], dict[str, str]]:
    """What `NAME = credentials('id')` in `environment` binds, and variables made of those: (bindings, templates).

    After pipeline-model-definition 42c9dc3e, UsernamePasswordHandler: NAME is `user:password`, NAME_USR and NAME_PSW
    the two alone.
    """
    kind, _ = context.state.credentials.find(identifier)
    if kind == "usernamePassword":
        user, password = f"{name}_USR", f"{name}_PSW"
        values = {"credentialsId": identifier, "usernameVariable": user, "passwordVariable": password}
        return [Described(kind, values)], {name: f"${{{user}}}:${{{password}}}"}
    return [Described(kind, {"credentialsId": identifier, "variable": name})], {}
