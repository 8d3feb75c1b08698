"""How the interpreter runs statements that are no expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from testbed.controller.failures import AbortedError, BuildError, GroovyError
from testbed.controller.pipeline import builtin
from testbed.controller.pipeline.context import Context
from testbed.controller.syntax import (
    Assignment,
    Catch,
    Definition,
    For,
    Function,
    If,
    Index,
    Jump,
    Property,
    Try,
    Variable,
    While,
)
from testbed.controller.values import OPERATORS, Variables, spell, truth

if TYPE_CHECKING:
    from testbed.controller.pipeline.interpreter import Interpreter

EVERY = frozenset({"", "Exception", "Throwable", "java.lang.Exception", "java.lang.Throwable"})
INTERRUPTED = "org.jenkinsci.plugins.workflow.steps.FlowInterruptedException"
ABORT = "hudson.AbortException"
# The exceptions that `catch` may name; one of the Jenkinsfile's own is caught by its name.
CAUGHT = EVERY | {INTERRUPTED, ABORT, "RuntimeException", "java.lang.RuntimeException", "IllegalArgumentException",
                  "java.lang.IllegalArgumentException", "groovy.lang.MissingPropertyException"}  # fmt: skip
THROWN = frozenset({"Exception", "RuntimeException", "IllegalArgumentException", "IllegalStateException", ABORT})


class JumpError(Exception):
    """`return`, `break` or `continue` on its way."""

    def __init__(self, kind: str, value: Any = None) -> None:
        """`value` is what a `return` gives."""
        super().__init__(kind)
        self.kind, self.value = kind, value


def _define(i: Interpreter, each: Definition, variables: Variables, context: Context) -> None:
    variables.values[each.name] = i.value(each.value, variables, context) if each.value is not None else None


def _assign(i: Interpreter, each: Assignment, variables: Variables, context: Context) -> Any:
    value = i.value(each.value, variables, context)
    if each.operator:
        value = OPERATORS[each.operator](i.value(each.target, variables, context), value)
    target = each.target
    if isinstance(target, Variable) and len(target.path) == 1:
        variables.assign(target.path[0], value)
    elif isinstance(target, Variable):
        place = i.variable(Variable(target.pos, target.path[:-1]), variables, context)
        builtin.set_property(place, target.path[-1], value)
    elif isinstance(target, Property):
        builtin.set_property(i.value(target.target, variables, context), target.name, value)
    elif isinstance(target, Index):
        _set_item(i.value(target.target, variables, context), i.value(target.key, variables, context), value)
    return value


def _set_item(place: Any, key: Any, value: Any) -> None:
    if isinstance(place, dict):
        place[key] = value
    elif isinstance(place, list) and isinstance(key, int) and key >= 0:
        place.extend([None] * (key + 1 - len(place)))
        place[key] = value
    else:
        builtin.set_property(place, spell(key), value)


def _if(i: Interpreter, each: If, variables: Variables, context: Context) -> Any:
    chosen = each.then if truth(i.value(each.condition, variables, context)) else each.otherwise
    return i.block(chosen, variables, context)


def _rounds(i: Interpreter, each: For | While, variables: Variables, context: Context) -> bool:
    """One round of a loop; False when it was the last by `break`."""
    context.flow.check()
    try:
        i.block(each.body, variables, context)
    except JumpError as jump:
        if jump.kind == "return":
            raise
        return jump.kind == "continue"
    return True


def _for(i: Interpreter, each: For, variables: Variables, context: Context) -> None:
    value = i.value(each.iterable, variables, context)
    if isinstance(value, dict):
        value = [{"key": key, "value": item} for key, item in value.items()]
    for item in value or ():
        if not _rounds(i, each, Variables(variables, {each.name: item}), context):
            return


def _while(i: Interpreter, each: While, variables: Variables, context: Context) -> None:
    own = Variables(variables)
    for first in each.first:
        i.statement(first, own, context)
    while truth(i.value(each.condition, own, context)) and _rounds(i, each, own, context):
        for step in each.step:
            i.statement(step, own, context)


def _try(i: Interpreter, each: Try, variables: Variables, context: Context) -> Any:
    try:
        return i.block(each.body, variables, context)
    except (BuildError, AbortedError) as error:
        for handler in each.catches:
            if catches(handler, error):
                return i.run(handler.body, Variables(variables, {handler.name: error}), context)
        raise
    finally:
        i.block(each.final, variables, context)


def catches(handler: Catch, error: Exception) -> bool:
    """Whether a `catch` is for this error."""
    kinds = set(handler.types) or {""}
    if kinds & EVERY:
        return True
    if isinstance(error, AbortedError):
        return INTERRUPTED in kinds
    if isinstance(error, GroovyError):
        runtime = {"RuntimeException", "java.lang.RuntimeException"} if error.kind != "java.lang.Exception" else set()
        return bool(kinds & {error.kind, error.kind.removeprefix("java.lang."), *runtime})
    return ABORT in kinds


def _jump(i: Interpreter, each: Jump, variables: Variables, context: Context) -> None:
    value = i.value(each.value, variables, context) if each.value is not None else None
    if each.kind != "throw":
        raise JumpError(each.kind, value)
    if isinstance(value, BuildError | AbortedError):
        raise value
    raise GroovyError("java.lang.ClassCastException", f"{spell(value)} is no exception")


def _function(i: Interpreter, each: Function, variables: Variables, context: Context) -> None:
    """Defined before the first statement ran (`Interpreter.run`)."""


STATEMENTS: dict[type, Callable[[Interpreter, Any, Variables, Context], Any]] = {
    Definition: _define, Assignment: _assign, If: _if, For: _for, While: _while, Try: _try, Jump: _jump,
    Function: _function,
}  # fmt: skip
