"""A parser for the Groovy that declarative pipelines are written in.

It reads statements, calls with and without parentheses (command expressions), named arguments, closures,
assignments, property paths, strings and literals. Any other Groovy (operators, control flow, definitions) is
recognised, skipped as a whole and kept as `Unknown`, so that whoever meets it can say what and where it is.
"""

from __future__ import annotations

from testbed.controller.syntax import (
    Assignment,
    Call,
    Closure,
    Expression,
    Literal,
    Statement,
    Text,
    Unknown,
    Variable,
)
from testbed.controller.tokens import GroovySyntaxError, Interpolation, Token, tokenize

KEYWORDS = frozenset(
    {
        "assert",
        "boolean",
        "break",
        "case",
        "catch",
        "class",
        "continue",
        "def",
        "do",
        "else",
        "enum",
        "final",
        "finally",
        "for",
        "if",
        "import",
        "int",
        "interface",
        "new",
        "package",
        "return",
        "static",
        "switch",
        "synchronized",
        "throw",
        "trait",
        "try",
        "void",
        "while",
    }
)
LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
OPENING = {"{": "}", "(": ")", "[": "]"}


def parse(source: str) -> tuple[Statement, ...]:
    """Parses a whole file.

    Raises:
        GroovySyntaxError: what is wrong, with line and column (for a brace that is never closed: where it opens).
    """
    parser = _Parser(tokenize(source))
    statements = parser.statements()
    if parser.token.kind != "end":
        raise GroovySyntaxError(parser.token.pos, f"unexpected '{parser.token.text}'")
    return statements


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        token = self.token
        self.at += token.kind != "end"
        return token

    def sees(self, *texts: str) -> bool:
        return self.token.kind == "punctuation" and self.token.text in texts

    def skip_newlines(self) -> None:
        while self.token.kind == "newline":
            self.take()

    def close(self, opening: Token) -> None:
        wanted = OPENING[opening.text]
        if not self.sees(wanted):
            if self.token.kind == "end":
                raise GroovySyntaxError(opening.pos, f"this '{opening.text}' is never closed; write '{wanted}'")
            raise GroovySyntaxError(self.token.pos, f"unexpected '{self.token.text.strip()}', expected '{wanted}'")
        self.take()

    def statements(self) -> tuple[Statement, ...]:
        found: list[Statement] = []
        while True:
            while self.token.kind == "newline" or self.sees(";"):
                self.take()
            if self.token.kind == "end" or self.sees("}"):
                return tuple(found)
            found.append(self.statement())
            if not (self.token.kind in ("newline", "end") or self.sees(";", "}")):
                what = "a string" if self.token.kind == "string" else f"'{self.token.text}'"
                raise GroovySyntaxError(self.token.pos, f"unexpected {what} after the end of a statement")

    def statement(self) -> Statement:
        if self.sees("@"):
            return self.unknown("an annotation")
        if self.token.kind == "name" and self.token.text in KEYWORDS:
            return self.unknown(f"'{self.token.text}'")
        start = self.at
        expression = self.postfix()
        if isinstance(expression, Variable):
            if self.sees("="):
                self.take()
                self.skip_newlines()
                return Assignment(expression.pos, ".".join(expression.path), self.expression())
            if self.token.kind == "name" and self.tokens[self.at + 1].text == "=":
                self.at = start
                return self.unknown("a variable definition")
            if self.starts_argument():
                args, named = self.arguments()
                return Call(expression.pos, ".".join(expression.path), args, named, self.body())
        return self.operators(expression)

    def starts_argument(self) -> bool:
        return self.token.kind in ("name", "string", "number") or self.sees("[")

    def unknown(self, what: str) -> Unknown:
        """Skips to the end of the statement or argument, over whatever is in brackets."""
        pos, stack = self.token.pos, list[Token]()
        while self.token.kind != "end":
            if not stack and (self.token.kind == "newline" or self.sees(";", ",", ")", "]", "}")):
                break
            token = self.take()
            if token.kind == "punctuation" and token.text in OPENING:
                stack.append(token)
            elif token.kind == "punctuation" and token.text in OPENING.values() and stack:
                stack.pop()
        if stack:
            raise GroovySyntaxError(stack[-1].pos, f"this '{stack[-1].text}' is never closed")
        return Unknown(pos, what)

    def operators(self, left: Expression) -> Expression:
        """Anything that goes on after a complete expression is an operator, or the end."""
        if self.token.kind == "punctuation" and not self.sees(";", ",", ")", "]", "}", "{", ":", "=", "("):
            return self.unknown(f"the operator '{self.token.text}'")
        return left

    def expression(self) -> Expression:
        return self.operators(self.postfix())

    def postfix(self) -> Expression:
        token = self.token
        if token.kind == "name" and token.text in KEYWORDS:
            return self.unknown(f"'{token.text}'")
        if token.kind == "name" and token.text not in LITERALS:
            path = [self.take().text]
            while self.sees(".") and self.tokens[self.at + 1].kind == "name":
                self.take()
                path.append(self.take().text)
            if self.sees("("):
                opening = self.take()
                args, named = self.arguments(")")
                self.close(opening)
                return self.chained(Call(token.pos, ".".join(path), args, named, self.body()))
            if self.sees("{"):
                return Call(token.pos, ".".join(path), body=self.body())
            if self.sees("[") and self.token.pos.column == self.tokens[self.at - 1].pos.column + len(path[-1]):
                return self.unknown("an index")
            return Variable(token.pos, tuple(path))
        return self.chained(self.primary())

    def chained(self, value: Expression) -> Expression:
        if self.sees(".", "[", "(", "?."):
            return self.unknown("a call or property of an expression")
        return value

    def primary(self) -> Expression:
        token = self.token
        if token.kind == "string":
            self.take()
            return Text(token.pos, tuple(part if isinstance(part, str) else interpolated(part) for part in token.parts))
        if token.kind == "number":
            self.take()
            return Literal(token.pos, int(token.text)) if token.text.isdigit() else Unknown(token.pos, "this number")
        if token.kind == "name":
            self.take()
            return Literal(token.pos, LITERALS[token.text])
        if self.sees("{"):
            return Closure(token.pos, self.body() or ())
        if self.sees("["):
            return self.unknown("a list or map")
        if self.sees("/"):
            raise GroovySyntaxError(token.pos, "slashy strings are not read here; write '...' or '''...'''")
        if self.sees("!", "-", "+", "~", "++", "--"):
            return self.unknown(f"the operator '{token.text}'")
        what = {"newline": "end of line", "end": "end of file"}.get(token.kind, f"'{token.text}'")
        raise GroovySyntaxError(token.pos, f"unexpected {what}, expected a value")

    def body(self) -> tuple[Statement, ...] | None:
        if not self.sees("{"):
            return None
        opening = self.take()
        statements = self.statements()
        self.close(opening)
        return statements

    def arguments(self, closing: str = "") -> tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...]]:
        """Arguments up to `closing` (where line ends do not count), or, without parentheses, to the statement's end."""
        args: list[Expression] = []
        named: list[tuple[str, Expression]] = []
        skip = self.skip_newlines if closing else lambda: None
        skip()
        while not (closing and self.sees(closing)):
            key, after = self.token, self.tokens[self.at + 1]
            if key.kind in ("name", "string") and (after.kind, after.text) == ("punctuation", ":"):
                self.take()
                self.take()
                self.skip_newlines()
                named.append((key.text if key.kind == "name" else "".join(map(str, key.parts)), self.expression()))
            else:
                args.append(self.expression())
            skip()
            if not self.sees(","):
                break
            self.take()
            self.skip_newlines()
        return tuple(args), tuple(named)


def interpolated(part: Interpolation) -> Expression:
    """The expression inside an interpolation of a GString."""
    parser = _Parser(list(part.tokens))
    parser.skip_newlines()
    expression = parser.expression()
    parser.skip_newlines()
    return expression if parser.token.kind == "end" else Unknown(part.pos, "this interpolation")
