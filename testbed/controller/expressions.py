"""The part of the Groovy parser that reads operators, properties and calls; `groovy` adds statements.

Operators and their precedence are those of the Groovy language documentation, "Operators". What is not read (regular
expressions, bits, spread, `instanceof`, casts) is skipped as a whole and kept as `Unknown`.
"""

from __future__ import annotations

from testbed.controller.literals import KEYWORDS, LITERALS, Arguments, LiteralParser
from testbed.controller.syntax import (
    Binary,
    Call,
    Closure,
    Expression,
    Index,
    MapLiteral,
    MethodCall,
    New,
    Property,
    Ternary,
    Text,
    Unary,
    Variable,
)
from testbed.controller.tokens import GroovySyntaxError, Pos

# From the weakest to the strongest.
LEVELS = (("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">=", "in"), ("<<", ".."), ("+", "-"), ("*", "/", "%"))
STOPS = (";", ",", ")", "]", "}", "{", ":", "=", "(", "+=", "-=", "*=", "/=", "->", "++", "--")


class ExpressionParser(LiteralParser):
    """Reads expressions from tokens; `statements` is the business of a subclass."""

    def expression(self) -> Expression:
        """A whole expression."""
        return self.going_on(self.unary())

    def going_on(self, first: Expression) -> Expression:
        """What a first operand and the operators after it make."""
        value = self.level(0, first)
        if self.sees("?:"):
            self.take()
            self.skip_newlines()
            value = Binary(value.pos, "?:", value, self.expression())
        elif self.sees("?"):
            self.take()
            self.skip_newlines()
            then = self.expression()
            self.skip_newlines()
            if not self.sees(":"):
                raise GroovySyntaxError(self.token.pos, "expected the ':' of '? :'")
            self.take()
            self.skip_newlines()
            value = Ternary(value.pos, value, then, self.expression())
        if self.token.kind == "punctuation" and not self.sees(*STOPS):
            return self.unknown(f"the operator '{self.token.text}'", value.pos)
        if self.word("instanceof", "as"):
            return self.unknown(f"the operator '{self.token.text}'", value.pos)
        return value

    def level(self, number: int, left: Expression | None = None) -> Expression:
        """Operands and operators of this level and the stronger ones."""
        if number == len(LEVELS):
            return left or self.unary()
        value = self.level(number + 1, left)
        while self.sees(*LEVELS[number]) or (self.word("in") and "in" in LEVELS[number]):
            operator = self.take()
            self.skip_newlines()
            value = Binary(operator.pos, operator.text, value, self.level(number + 1))
        return value

    def unary(self) -> Expression:
        """An operand, with what stands before it."""
        if self.sees("!", "-", "+"):
            operator = self.take()
            return Unary(operator.pos, operator.text, self.unary())
        return self.postfix()

    def postfix(self) -> Expression:
        """A name, literal or bracket with all that hangs on it: properties, calls, indexes."""
        token = self.token
        if token.kind == "name" and token.text == "new":
            return self.chained(self.new())
        if token.kind == "name" and token.text in KEYWORDS:
            return self.unknown(f"'{token.text}'")
        if token.kind == "name" and token.text not in LITERALS:
            path = [self.take().text]
            while self.sees(".") and self.tokens[self.at + 1].kind == "name":
                self.take()
                path.append(self.take().text)
            if self.sees("(", "{") and len(path) > 1:
                return self.chained(self.method(token.pos, Variable(token.pos, tuple(path[:-1])), path[-1]))
            if self.sees("(", "{"):
                args, named, body = self.called()
                inside = (body.statements, body.parameters) if body else (None, None)
                return self.chained(Call(token.pos, path[0], args, named, *inside))
            return self.chained(Variable(token.pos, tuple(path)))
        return self.chained(self.primary())

    def chained(self, value: Expression) -> Expression:
        """What follows a value directly: `.name`, `?.name(...)`, `[key]`; a dot may stand on the next line."""
        while True:
            after = self.beyond_newlines()
            if self.token.kind == "newline" and (after.kind, after.text) in (
                ("punctuation", "."),
                ("punctuation", "?."),
            ):
                self.skip_newlines()
            if self.sees(".", "?."):
                pos, safe = self.token.pos, self.take().text == "?."
                if self.token.kind != "name":
                    return self.unknown("this property", pos)
                name = self.take().text
                method = self.sees("(", "{")
                value = self.method(pos, value, name, safe) if method else Property(pos, value, name, safe)
            elif self.sees("[") and self.token.pos == self.end_of_previous():
                opening = self.take()
                self.skip_newlines()
                key = self.expression()
                self.skip_newlines()
                if self.sees(","):
                    raise GroovySyntaxError(self.token.pos, "an index of several keys is not read here; write one")
                self.close(opening)
                value = Index(opening.pos, value, key)
            elif self.sees("(") and not isinstance(value, Variable):
                return self.unknown("a call of an expression", value.pos)
            else:
                return value

    def method(self, pos: Pos, target: Expression, name: str, safe: bool = False) -> MethodCall:
        """A call of a method, from its opening bracket on."""
        args, named, body = self.called()
        if named:
            args = (MapLiteral(pos, tuple((Text(value.pos, (key,)), value) for key, value in named)), *args)
        return MethodCall(pos, target, name, (*args, *([body] if body else [])), safe)

    def called(self) -> tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...], Closure | None]:
        """`(args) { body }`, of which one of the two may be missing."""
        args: Arguments = ((), ())
        if self.sees("("):
            opening = self.take()
            args = self.arguments(")")
            self.close(opening)
        return *args, self.closure()

    def new(self) -> Expression:
        """`new Name(args)`."""
        pos = self.take().pos
        if self.token.kind != "name":
            return self.unknown("'new'", pos)
        name = [self.take().text]
        while self.sees("."):
            self.take()
            name.append(self.take().text)
        if not self.sees("("):
            return self.unknown(f"'new {'.'.join(name)}'", pos)
        args, _, _ = self.called()
        return New(pos, ".".join(name), args)
