"""Groovy source text to tokens: names, strings with their interpolations, numbers, punctuation, line ends.

Written from the Groovy language documentation, "Syntax" (strings, GString interpolation, escapes, comments).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "s": " ", "\\": "\\", "'": "'", '"': '"', "$": "$"}
OPERATORS = (
    "===",
    "==~",
    "!==",
    "<=>",
    "**=",
    "?.",
    "?:",
    "*.",
    "==",
    "!=",
    "<=",
    ">=",
    "&&",
    "||",
    "->",
    "..",
    "++",
    "--",
    "+=",
    "-=",
    "*=",
    "/=",
    "=~",
    "<<",
    ">>",
    "::",
    "**",
)


@dataclass(frozen=True)
class Pos:
    """A place in the source: line and column, both from 1."""

    line: int
    column: int


class GroovySyntaxError(Exception):
    """Source text that is no Groovy, or Groovy that this parser does not read."""

    def __init__(self, pos: Pos, message: str) -> None:
        super().__init__(f"line {pos.line}, column {pos.column}: {message}")
        self.pos = pos
        self.message = message


@dataclass(frozen=True)
class Interpolation:
    """What stands inside `${...}`, or after `$`, in a GString: its own tokens, ended by one of kind 'end'."""

    pos: Pos
    tokens: tuple[Token, ...]


@dataclass(frozen=True)
class Token:
    """One token. `kind` is name, string, number, punctuation, newline or end; a string has `parts` instead of text."""

    kind: str
    text: str
    pos: Pos
    parts: tuple[str | Interpolation, ...] = ()


def tokenize(source: str) -> list[Token]:
    """Returns the tokens of a whole source text, the last of kind 'end'.

    Raises:
        GroovySyntaxError: at the place of the first thing that is no token.
    """
    return list(_Scanner(source).tokens())


class _Scanner:
    def __init__(self, source: str) -> None:
        self.source = source.replace("\r\n", "\n")
        self.at = 0
        self.line = 1
        self.line_start = 0

    def pos(self) -> Pos:
        return Pos(self.line, self.at - self.line_start + 1)

    def peek(self, text: str) -> bool:
        return self.source.startswith(text, self.at)

    def advance(self, count: int = 1) -> str:
        taken = self.source[self.at : self.at + count]
        for offset, char in enumerate(taken):
            if char == "\n":
                self.line += 1
                self.line_start = self.at + offset + 1
        self.at += count
        return taken

    def tokens(self) -> Iterator[Token]:
        """Yields every token; stops before an unmatched '}' (the end of an interpolation), with an 'end' there."""
        depth = 0
        if self.at == 0 and self.peek("#!"):
            self._skip_to_line_end()
        while True:
            self._skip_blanks()
            pos = self.pos()
            if self.at >= len(self.source):
                yield Token("end", "end of file", pos)
                return
            char = self.source[self.at]
            if char == "}" and depth == 0 and self.at_interpolation:
                yield Token("end", "}", pos)
                return
            depth += {"{": 1, "}": -1}.get(char, 0)
            yield self._token(char, pos)

    at_interpolation = False

    def _token(self, char: str, pos: Pos) -> Token:
        if char == "\n":
            return Token("newline", self.advance(), pos)
        if char in "'\"":
            return self._string(pos)
        if char.isalpha() or char in "_$":
            if self.peek("$/"):
                raise GroovySyntaxError(pos, "dollar-slashy strings are not read here; write '...' or '''...'''")
            return Token("name", self._word(), pos)
        if char.isdigit():
            return Token("number", self._number(), pos)
        operator = next((each for each in OPERATORS if self.peek(each)), char)
        if len(operator) == 1 and char not in "{}()[],:;.=+-*/%!<>?&|^~@":
            raise GroovySyntaxError(pos, f"unexpected character {char!r}")
        return Token("punctuation", self.advance(len(operator)), pos)

    def _number(self) -> str:
        whole = self._word()
        if self.peek(".") and self.source[self.at + 1 : self.at + 2].isdigit():
            self.at += 1
            return f"{whole}.{self._word()}"
        return whole

    def _word(self) -> str:
        start = self.at
        while self.at < len(self.source) and (self.source[self.at].isalnum() or self.source[self.at] in "_$"):
            self.at += 1
        return self.source[start : self.at]

    def _skip_to_line_end(self) -> None:
        end = self.source.find("\n", self.at)
        self.at = len(self.source) if end < 0 else end

    def _skip_blanks(self) -> None:
        while self.at < len(self.source):
            if self.source[self.at] in " \t\f":
                self.advance()
            elif self.peek("\\\n"):
                self.advance(2)
            elif self.peek("//"):
                self._skip_to_line_end()
            elif self.peek("/*"):
                end = self.source.find("*/", self.at + 2)
                if end < 0:
                    raise GroovySyntaxError(self.pos(), "this comment is never closed; write '*/'")
                self.advance(end + 2 - self.at)
            else:
                return

    def _string(self, pos: Pos) -> Token:
        quote = next(each for each in ("'''", '"""', "'", '"') if self.peek(each))
        self.advance(len(quote))
        parts: list[str | Interpolation] = []
        plain: list[str] = []
        while not self.peek(quote):
            if self.at >= len(self.source) or (len(quote) == 1 and self.peek("\n")):
                raise GroovySyntaxError(pos, f"this string is never closed; write {quote} at its end")
            if self.peek("\\"):
                plain.append(self._escape())
            elif quote[0] == '"' and self.peek("$"):
                parts += ["".join(plain), self._interpolation()]
                plain = []
            else:
                plain.append(self.advance())
        self.advance(len(quote))
        parts.append("".join(plain))
        return Token("string", quote, pos, tuple(part for part in parts if part != ""))

    def _escape(self) -> str:
        pos = self.pos()
        self.advance()
        char = self.advance()
        if char == "\n":
            return ""
        if char == "u":
            digits = self.advance(4)
            if len(digits) == 4 and all(each in "0123456789abcdefABCDEF" for each in digits):
                return chr(int(digits, 16))
        if char not in ESCAPES:
            raise GroovySyntaxError(pos, f"'\\{char}' is no escape in a Groovy string; write '\\\\{char}'")
        return ESCAPES[char]

    def _interpolation(self) -> Interpolation:
        pos = self.pos()
        self.advance()
        if self.peek("{"):
            self.advance()
            inner = _Scanner(self.source)
            inner.at, inner.line, inner.line_start, inner.at_interpolation = self.at, self.line, self.line_start, True
            tokens = tuple(inner.tokens())
            if tokens[-1].text != "}":
                raise GroovySyntaxError(pos, "this '${' is never closed; write '}'")
            self.at, self.line, self.line_start = inner.at, inner.line, inner.line_start
            self.advance()
            return Interpolation(pos, tokens)
        tokens = tuple(self._dotted())
        if not tokens:
            raise GroovySyntaxError(pos, "a '$' must be followed by a name or '{'; write '\\$' for the sign itself")
        return Interpolation(pos, (*tokens, Token("end", "", self.pos())))

    def _dotted(self) -> Iterator[Token]:
        """The names of `$a.b.c`."""
        while self.at < len(self.source) and (self.source[self.at].isalpha() or self.source[self.at] == "_"):
            pos, start = self.pos(), self.at
            while self.at < len(self.source) and (self.source[self.at].isalnum() or self.source[self.at] == "_"):
                self.at += 1
            yield Token("name", self.source[start : self.at], pos)
            after = self.source[self.at + 1 : self.at + 2]
            if not (self.peek(".") and (after.isalpha() or after == "_")):
                return
            yield Token("punctuation", ".", self.pos())
            self.advance()
