"""A parser for the Groovy that Jenkinsfiles are written in: `parse`, and how statements are read.

It reads calls with and without parentheses (command expressions), closures, definitions and functions, assignments,
`if`, `for`, `while`, `try`, `throw`, `return`, and the expressions of `expressions`. Any other Groovy (classes,
`switch`, regular expressions, annotations, imports) is recognised, skipped as a whole and kept as `Unknown`, so that
whoever meets it can say what and where it is.
"""

from __future__ import annotations

from testbed.controller.expressions import ExpressionParser
from testbed.controller.literals import KEYWORDS, LITERALS
from testbed.controller.syntax import (
    Assignment,
    Call,
    Catch,
    Definition,
    Expression,
    For,
    Function,
    If,
    Index,
    Jump,
    Literal,
    Property,
    Statement,
    Try,
    Variable,
    While,
)
from testbed.controller.tokens import GroovySyntaxError, Pos, tokenize

TYPES = frozenset({
    "def", "void", "boolean", "int", "long", "double", "float",
    "String", "Integer", "Boolean", "Long", "Double", "Object", "List", "Map",
})  # fmt: skip
NO_ARGUMENT = frozenset({"in", "instanceof", "as"})


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


class _Parser(ExpressionParser):
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
        if self.token.kind == "name":
            if self.token.text in TYPES and (found := self.definition()):
                return found
            if self.token.text in ("if", "for", "while", "try"):
                structures = {"if": self.if_, "for": self.for_, "while": self.while_, "try": self.try_}
                return structures[self.token.text]()
            if self.token.text in ("return", "throw", "break", "continue"):
                return self.jump()
            if self.token.text in KEYWORDS - {"new"}:
                return self.unknown(f"'{self.token.text}'")
        expression = self.unary()
        if self.sees("=", "+=", "-=", "*=", "/=") and isinstance(expression, Variable | Property | Index):
            operator = self.take().text[:-1]
            self.skip_newlines()
            return Assignment(expression.pos, expression, self.statement_value(), operator)
        if self.sees("++", "--") and isinstance(expression, Variable):
            operator = self.take().text[0]
            return Assignment(expression.pos, expression, Literal(expression.pos, 1), operator)
        if isinstance(expression, Variable):
            if (
                self.sees("/")
                and self.token.pos != self.end_of_previous()
                and self.tokens[self.at + 1].pos == Pos(self.token.pos.line, self.token.pos.column + 1)
            ):
                self.primary()  # says that slashy strings are not read
            if self.token.kind == "name" and self.tokens[self.at + 1].text == "=":
                return self.unknown("a variable definition", expression.pos)
            if self.starts_argument():
                args, named = self.arguments()
                if len(expression.path) > 1:
                    return self.unknown("a call of a method without parentheses", expression.pos)
                body = self.closure()
                inside = (body.statements, body.parameters) if body else (None, None)
                return Call(expression.pos, expression.path[0], args, named, *inside)
        return self.going_on(expression)

    def statement_value(self) -> Expression:
        """What is assigned: an expression, or a call without parentheses (`x = readFile 'a'`)."""
        at = self.at
        value = self.expression()
        if isinstance(value, Variable) and self.starts_argument():
            self.at = at
            called = self.statement()
            return called if isinstance(called, Call) else self.unknown("this value")
        return value

    def starts_argument(self) -> bool:
        kind = self.token.kind
        return (kind == "name" and self.token.text not in NO_ARGUMENT) or kind in ("string", "number") or self.sees("[")

    def definition(self) -> Statement | None:
        """`def x = 1`, `String x`, `def f(a) { }`; None if no name follows the type."""
        start = self.take()
        if self.sees("<"):
            found = self.unknown("a generic type", start.pos)
            while self.sees(","):
                self.take()
                self.unknown("a generic type")
            return found
        if self.token.kind != "name" or self.token.text in KEYWORDS | set(LITERALS):
            self.at -= 1
            return None if start.text not in KEYWORDS else self.unknown(f"'{start.text}'")
        name = self.take().text
        if self.sees("("):
            opening = self.take()
            self.skip_newlines()
            parameters: list[str] = []
            while self.token.kind == "name":
                parameters.append(self.take().text)
                if self.token.kind == "name":
                    parameters[-1] = self.take().text
                if self.sees(","):
                    self.take()
                self.skip_newlines()
            if not self.sees(")"):
                self.at = self.tokens.index(opening)
                return self.unknown("a parameter with a default or a generic type", start.pos)
            self.close(opening)
            self.skip_newlines()
            return Function(start.pos, name, tuple(parameters), self.block())
        if self.sees("="):
            self.take()
            self.skip_newlines()
            return Definition(start.pos, name, self.statement_value())
        if self.token.kind in ("newline", "end") or self.sees(";", "}"):
            return Definition(start.pos, name, None)
        return self.unknown("this definition", start.pos)

    def block(self) -> tuple[Statement, ...]:
        """`{ ... }`, or the one statement that may stand instead of it."""
        self.skip_newlines()
        body = self.closure()
        return body.statements if body else (self.statement(),)

    def condition(self) -> Expression:
        opening = self.take()
        if opening.text != "(":
            raise GroovySyntaxError(opening.pos, "expected '('")
        self.skip_newlines()
        value = self.expression()
        self.skip_newlines()
        self.close(opening)
        return value

    def goes_on_with(self, *words: str) -> bool:
        """Whether one of these words comes next, perhaps on another line or after a semicolon; goes there."""
        after = self.beyond_newlines()
        if after.kind == "name" and after.text in words:
            self.skip_newlines()
            return True
        return False

    def if_(self) -> Statement:
        pos = self.take().pos
        condition, then = self.condition(), self.block()
        if not self.goes_on_with("else"):
            return If(pos, condition, then)
        self.take()
        return If(pos, condition, then, self.block())

    def while_(self) -> Statement:
        pos = self.take().pos
        return While(pos, self.condition(), self.block())

    def for_(self) -> Statement:
        pos, opening = self.take().pos, self.take()
        start = self.at
        names = [self.take().text]
        if self.token.kind == "name" and not self.word("in"):
            names.append(self.take().text)
        if self.word("in") or self.sees(":"):
            self.take()
            iterable = self.expression()
            self.close(opening)
            return For(pos, names[-1], iterable, self.block())
        self.at = start
        first = self.statement()
        self.semicolon()
        condition = self.expression()
        self.semicolon()
        step = self.statement()
        self.close(opening)
        return While(pos, condition, self.block(), (first,), (step,))

    def semicolon(self) -> None:
        if not self.sees(";"):
            raise GroovySyntaxError(self.token.pos, "expected ';'")
        self.take()

    def try_(self) -> Statement:
        pos = self.take().pos
        body = self.block()
        catches: list[Catch] = []
        while self.goes_on_with("catch"):
            at, opening = self.take().pos, self.take()
            words = [[self.take().text]]
            while not self.sees(")") and self.token.kind in ("name", "punctuation"):
                token = self.take()
                if token.text == "|" or (token.kind == "name" and self.tokens[self.at - 2].text != "."):
                    words.append([] if token.text == "|" else [token.text])
                else:
                    words[-1].append(token.text)
            self.close(opening)
            *types, name = ("".join(word) for word in words if word)
            catches.append(Catch(at, tuple(types), name, self.block()))
        final: tuple[Statement, ...] = ()
        if self.goes_on_with("finally"):
            self.take()
            final = self.block()
        elif not catches:
            raise GroovySyntaxError(pos, "this 'try' has neither 'catch' nor 'finally'")
        return Try(pos, body, tuple(catches), final)

    def jump(self) -> Statement:
        token = self.take()
        ends = self.token.kind in ("newline", "end") or self.sees(";", "}")
        return Jump(token.pos, token.text, None if ends else self.statement_value())
