"""The section `environment` of a pipeline or stage: its variables, and the credentials among them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from testbed.controller.model import Environment
from testbed.controller.pipeline.catalogue import INTERPRETER
from testbed.controller.pipeline.context import Context
from testbed.controller.pipeline.interpolation import expanded
from testbed.controller.pipeline.steps_credentials import bound, environment_bindings
from testbed.controller.syntax import Call
from testbed.controller.texts import plain
from testbed.controller.values import Variables, spell


@contextmanager
def environment(section: Environment, variables: Variables, outer: Context) -> Iterator[Context]:
    """The context with an `environment` section's variables, each of which may use those before it."""
    bindings: list[Any] = []
    late: dict[str, str] = {}
    for name, value in section:
        if isinstance(value, Call) and value.name == "credentials":
            found, more = environment_bindings(outer, name, plain(value.args[0]) or "")
            bindings += found
            late |= more
    if bindings:
        with bound(outer, bindings, section[0][1].pos.line) as context:
            for name, template in late.items():
                context = replace(context, env={**context.env, name: expanded(template, context.environment())})
            yield _defined(section, variables, context)
    else:
        yield _defined(section, variables, outer)


def _defined(section: Environment, variables: Variables, context: Context) -> Context:
    """The context with the variables that are no credentials."""
    for name, value in section:
        if not (isinstance(value, Call) and value.name == "credentials"):
            text = spell(INTERPRETER.value(value, variables, context))
            context = replace(context, env={**context.env, name: expanded(text, context.environment())})
    return context
