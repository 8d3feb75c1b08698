"""The part of the Groovy parser that reads literals: strings, numbers, lists, maps, closures; and arguments."""

from __future__ import annotations

from testbed.controller.reader import TokenReader
from testbed.controller.syntax import Closure, Expression, ListLiteral, Literal, MapLiteral, Statement, Text, Unknown
from testbed.controller.tokens import GroovySyntaxError, Interpolation

KEYWORDS = frozenset({
    "as", "assert", "boolean", "break", "case", "catch", "class", "continue", "def", "do", "double", "else", "enum",
    "final", "finally", "float", "for", "if", "import", "in", "instanceof", "int", "interface", "long", "new",
    "package", "return", "static", "switch", "synchronized", "throw", "trait", "try", "void", "while",
})  # fmt: skip
LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
Arguments = tuple[tuple[Expression, ...], tuple[tuple[str, Expression], ...]]


class LiteralParser(TokenReader):
    """Reads literals; expressions and statements inside them are the business of subclasses."""

    def statements(self) -> tuple[Statement, ...]:
        """The statements up to a closing brace or the end."""
        raise NotImplementedError

    def expression(self) -> Expression:
        """A whole expression."""
        raise NotImplementedError

    def primary(self) -> Expression:
        """A literal, closure, list, map, or an expression in parentheses."""
        token = self.token
        if token.kind == "string":
            self.take()
            return Text(token.pos, tuple(part if isinstance(part, str) else self.within(part) for part in token.parts))
        if token.kind == "number":
            return self.number()
        if token.kind == "name":
            self.take()
            return Literal(token.pos, LITERALS[token.text])
        if self.sees("{"):
            return self.closure() or Closure(token.pos, ())
        if self.sees("["):
            return self.list_or_map()
        if self.sees("("):
            self.take()
            self.skip_newlines()
            value = self.expression()
            self.skip_newlines()
            self.close(token)
            return value
        if self.sees("/"):
            raise GroovySyntaxError(token.pos, "slashy strings are not read here; write '...' or '''...'''")
        if self.sees("~", "++", "--", "*"):
            return self.unknown(f"the operator '{token.text}'")
        what = {"newline": "end of line", "end": "end of file"}.get(token.kind, f"'{token.text}'")
        raise GroovySyntaxError(token.pos, f"unexpected {what}, expected a value")

    def number(self) -> Expression:
        """A whole number or one with a decimal point; suffixes and other bases are not read."""
        token = self.take()
        whole, _, rest = token.text.partition(".")
        if not (whole.isdigit() and (not rest or rest.isdigit())):
            return Unknown(token.pos, "this number")
        return Literal(token.pos, float(token.text) if rest else int(whole))

    def within(self, part: Interpolation) -> Expression:
        """The expression inside an interpolation of a string."""
        inner = type(self)(list(part.tokens))
        inner.skip_newlines()
        expression = inner.expression()
        inner.skip_newlines()
        return expression if inner.token.kind == "end" else Unknown(part.pos, "this interpolation")

    def closure(self) -> Closure | None:
        """`{ a, b -> statements }`, if one comes."""
        if not self.sees("{"):
            return None
        opening = self.take()
        parameters = self.parameters()
        statements = self.statements()
        self.close(opening)
        return Closure(opening.pos, statements, parameters)

    def parameters(self) -> tuple[str, ...] | None:
        """The names up to `->`, each perhaps with a type before it; None where there is no `->`."""
        start, names = self.at, list[str]()
        self.skip_newlines()
        while self.token.kind == "name":
            names.append(self.take().text)
            if self.token.kind == "name":
                names[-1] = self.take().text
            if not self.sees(","):
                break
            self.take()
        if self.sees("->"):
            self.take()
            return tuple(names)
        self.at = start
        return None

    def list_or_map(self) -> Expression:
        """`[a, b]`, `[a: 1]`, `[]` or `[:]`."""
        opening = self.take()
        self.skip_newlines()
        if self.sees(":"):
            self.take()
            self.close(opening)
            return MapLiteral(opening.pos, ())
        items: list[Expression] = []
        entries: list[tuple[Expression, Expression]] = []
        while not self.sees("]"):
            name = self.token if self.token.kind == "name" else None
            if name and (self.tokens[self.at + 1].kind, self.tokens[self.at + 1].text) == ("punctuation", ":"):
                self.take()
                value: Expression = Text(name.pos, (name.text,))
            else:
                value = self.expression()
            if self.sees(":"):
                self.take()
                self.skip_newlines()
                entries.append((value, self.expression()))
            else:
                items.append(value)
            self.skip_newlines()
            if not self.sees(","):
                break
            self.take()
            self.skip_newlines()
        self.close(opening)
        if items and entries:
            raise GroovySyntaxError(opening.pos, "this mixes a list and a map")
        return MapLiteral(opening.pos, tuple(entries)) if entries else ListLiteral(opening.pos, tuple(items))

    def arguments(self, closing: str = "") -> Arguments:
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
