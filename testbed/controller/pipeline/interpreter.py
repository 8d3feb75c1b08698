"""Runs the Groovy of a Jenkinsfile: statements in order; steps by the table.

What a step runs in (agent, container, variables of the environment) goes by what runs around it, a Groovy variable by
where its code stands: so a closure keeps its variables, and gets its context from whoever calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from testbed.controller.failures import AbortedError, BuildError, GroovyError
from testbed.controller.pipeline import builtin, methods
from testbed.controller.pipeline.arguments import bind
from testbed.controller.pipeline.context import Context
from testbed.controller.pipeline.statements import STATEMENTS, JumpError
from testbed.controller.pipeline.table import Invocation, Step, Symbol
from testbed.controller.syntax import (
    Binary,
    Call,
    Closure,
    Expression,
    Function,
    Index,
    ListLiteral,
    Literal,
    MapLiteral,
    MethodCall,
    New,
    Property,
    Statement,
    Ternary,
    Text,
    Unary,
    Variable,
)
from testbed.controller.values import OPERATORS, Described, Variables, spell, truth


@dataclass(frozen=True)
class Routine:
    """A closure or function as a value: called with its arguments, it runs in the context that is current there."""

    interpreter: Interpreter
    statements: tuple[Statement, ...]
    parameters: tuple[str, ...]
    variables: Variables
    context: Context

    def __call__(self, *args: Any) -> Any:
        """Runs in the context in which it was made."""
        return self.within(self.context, *args)

    def within(self, context: Context, *args: Any) -> Any:
        """Runs in another context."""
        values = dict(zip(self.parameters, [*args, *([None] * len(self.parameters))], strict=False))
        try:
            return self.interpreter.run(self.statements, Variables(self.variables, values), context)
        except JumpError as jump:
            if jump.kind != "return":
                raise
            return jump.value


class Block(Protocol):
    """What stands in a step's braces."""

    def within(self, context: Context) -> Any:
        """Runs it in a context."""


@dataclass(frozen=True)
class Native:
    """A block that is no Groovy."""

    work: Callable[[Context], Any]

    def within(self, context: Context) -> Any:
        """See Block."""
        return self.work(context)


@dataclass(frozen=True)
class Interpreter:
    """Knows the steps and symbols by name."""

    steps: Mapping[str, Step]
    symbols: Mapping[str, Symbol]

    def run(self, statements: Sequence[Statement], variables: Variables, context: Context) -> Any:
        """Runs statements in order; answers the last one's value, as a Groovy closure does.

        Raises:
            BuildError: something failed; what comes after it has not run.
            AbortedError: the context's flow was interrupted.
        """
        for each in statements:
            if isinstance(each, Function):
                variables.values[each.name] = Routine(self, each.body, each.parameters, variables, context)
        value = None
        for each in statements:
            value = self.statement(each, variables, context)
        return value

    def block(self, statements: Sequence[Statement], variables: Variables, context: Context) -> Any:
        """Runs statements with variables of their own."""
        return self.run(statements, Variables(variables), context)

    def statement(self, each: Statement, variables: Variables, context: Context) -> Any:
        """Runs one statement."""
        runner = STATEMENTS.get(type(each))
        return runner(self, each, variables, context) if runner else self.value(each, variables, context)  # type: ignore[arg-type]

    def value(self, each: Expression, variables: Variables, context: Context) -> Any:
        """An expression's value."""
        return EXPRESSIONS[type(each)](self, each, variables, context)

    def call(self, call: Call, variables: Variables, context: Context) -> Any:
        """A step, a symbol, or a call of a function or closure of the Jenkinsfile."""
        args = [self.value(arg, variables, context) for arg in call.args]
        named = {name: self.value(value, variables, context) for name, value in call.named}
        body = None
        if call.body is not None:
            body = self.closure(Closure(call.pos, call.body, call.parameters), variables, context)
        holder = variables.holder(call.name)
        if holder is not None and isinstance(routine := holder.values[call.name], Routine):
            return routine.within(context, *([named] if named else []), *args, *([body] if body else []))
        if call.name in self.symbols and body is None:
            symbol = self.symbols[call.name]
            return Described(call.name, {k: v for k, v in bind(symbol, args, named).items() if v is not None})
        if call.name not in self.steps:
            raise GroovyError("groovy.lang.MissingMethodException", f"line {call.pos.line}: {call.name} is no closure")
        return self.step(self.steps[call.name], call.pos.line, args, named, body, context)

    def step(
        self, step: Step, line: int, args: Sequence[Any], named: Mapping[str, Any], body: Block | None,
        context: Context,
    ) -> Any:  # fmt: skip
        """Runs a step; says so in the log as Jenkins does."""
        log = context.state.log
        context.flow.check()
        arguments = bind(step, args, named)
        label = arguments.get(step.label) if step.label else None
        behind = f" ({label})" if label else ""
        log.line(f"[Pipeline] {step.name}{'' if step.block else behind}")
        inside = (lambda context: body.within(context)) if body else None
        try:
            if inside and step.braces:
                log.line(f"[Pipeline] {{{behind}")
                try:
                    return step.run(Invocation(step, line, context, arguments, inside))
                finally:
                    log.line(f"[Pipeline] }}\n[Pipeline] // {step.name}")
            return step.run(Invocation(step, line, context, arguments, inside))
        except AbortedError as error:
            raise context.flow.explained(error) from error

    def closure(self, each: Closure, variables: Variables, context: Context) -> Routine:
        """A closure as a value; without named parameters it has `it`."""
        parameters = ("it",) if each.parameters is None else each.parameters
        return Routine(self, each.statements, parameters, variables, context)

    def variable(self, each: Variable, variables: Variables, context: Context) -> Any:
        """A name, or properties of one."""
        name, *path = each.path
        holder = variables.holder(name)
        if holder is not None:
            value = holder.values[name]
        elif name in builtin.NAMES:
            value = builtin.get(name, context)
        elif name in (env := context.environment()):
            value = env[name]
        else:
            words = f"line {each.pos.line}: No such property: {name} (write env.{name}, or set it in 'environment')"
            raise GroovyError("groovy.lang.MissingPropertyException", words)
        for part in path:
            value = builtin.property_of(value, part)
        return value

    def text(self, each: Text, variables: Variables, context: Context) -> str:
        """A string with its interpolations."""
        return "".join(p if isinstance(p, str) else spell(self.value(p, variables, context)) for p in each.parts)

    def binary(self, each: Binary, variables: Variables, context: Context) -> Any:
        """An operator with two operands; the second is not looked at where the first decides."""
        left = self.value(each.left, variables, context)
        if each.operator in ("&&", "||", "?:"):
            if truth(left) == (each.operator != "&&"):
                return left if each.operator == "?:" else truth(left)
            right = self.value(each.right, variables, context)
            return right if each.operator == "?:" else truth(right)
        return OPERATORS[each.operator](left, self.value(each.right, variables, context))

    def unary(self, each: Unary, variables: Variables, context: Context) -> Any:
        """`!` or a sign."""
        value = self.value(each.operand, variables, context)
        return not truth(value) if each.operator == "!" else OPERATORS[each.operator](0, value)

    def method(self, each: MethodCall, variables: Variables, context: Context) -> Any:
        """A call of a value's method."""
        target = self.value(each.target, variables, context)
        if target is None and each.safe:
            return None
        args = [self.value(arg, variables, context) for arg in each.args]
        if isinstance(target, Routine) and each.name == "call":
            return target.within(context, *args)
        return methods.call(target, each.name, args)

    def property(self, each: Property, variables: Variables, context: Context) -> Any:
        """A property of a value."""
        target = self.value(each.target, variables, context)
        return None if target is None and each.safe else builtin.property_of(target, each.name)

    def index(self, each: Index, variables: Variables, context: Context) -> Any:
        """An item of a list, map or string; null where there is none, as in Groovy."""
        target, key = self.value(each.target, variables, context), self.value(each.key, variables, context)
        if isinstance(target, list | str) and isinstance(key, int):
            return target[key] if -len(target) <= key < len(target) else None
        return builtin.property_of(target, spell(key)) if not isinstance(target, dict) else target.get(key)

    def new(self, each: New, variables: Variables, context: Context) -> Any:
        """An exception."""
        args = [spell(self.value(arg, variables, context)) for arg in each.args]
        kind = each.name if "." in each.name else f"java.lang.{each.name}"
        if kind == "hudson.AbortException":
            return BuildError(*args)
        return GroovyError(kind, *(args or ["null"]))


Runner = Callable[[Interpreter, Any, Variables, Context], Any]
EXPRESSIONS: dict[type, Runner] = {
    Variable: Interpreter.variable, Text: Interpreter.text, Literal: lambda i, each, v, c: each.value,
    ListLiteral: lambda i, each, v, c: [i.value(item, v, c) for item in each.items],
    MapLiteral: lambda i, each, v, c: {i.value(key, v, c): i.value(item, v, c) for key, item in each.entries},
    Closure: Interpreter.closure, Call: Interpreter.call, MethodCall: Interpreter.method, New: Interpreter.new,
    Property: Interpreter.property, Index: Interpreter.index, Unary: Interpreter.unary, Binary: Interpreter.binary,
    Ternary: lambda i, each, v, c: i.value(each.then if truth(i.value(each.condition, v, c)) else each.otherwise, v, c),
}  # fmt: skip
