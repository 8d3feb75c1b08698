"""Going over a Groovy source's tokens: what all parts of the parser share."""

from __future__ import annotations

from testbed.controller.syntax import Unknown
from testbed.controller.tokens import GroovySyntaxError, Pos, Token

OPENING = {"{": "}", "(": ")", "[": "]"}


class TokenReader:
    """A place in a list of tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        """`tokens` end with one of kind 'end'."""
        self.tokens = tokens
        self.at = 0

    @property
    def token(self) -> Token:
        """The token that comes next."""
        return self.tokens[self.at]

    def take(self) -> Token:
        """Goes on by one token, and answers it."""
        token = self.token
        self.at += token.kind != "end"
        return token

    def sees(self, *texts: str) -> bool:
        """Whether punctuation of this kind comes next."""
        return self.token.kind == "punctuation" and self.token.text in texts

    def word(self, *texts: str) -> bool:
        """Whether one of these words comes next."""
        return self.token.kind == "name" and self.token.text in texts

    def skip_newlines(self) -> None:
        """Goes on to the next token that is no line end."""
        while self.token.kind == "newline":
            self.take()

    def beyond_newlines(self) -> Token:
        """The next token that is no line end, without going there."""
        return next(token for token in self.tokens[self.at :] if token.kind != "newline")

    def close(self, opening: Token) -> None:
        """Takes the bracket that closes `opening`."""
        wanted = OPENING[opening.text]
        if not self.sees(wanted):
            if self.token.kind == "end":
                raise GroovySyntaxError(opening.pos, f"this '{opening.text}' is never closed; write '{wanted}'")
            raise GroovySyntaxError(self.token.pos, f"unexpected '{self.token.text.strip()}', expected '{wanted}'")
        self.take()

    def unknown(self, what: str, pos: Pos | None = None) -> Unknown:
        """Skips to the end of the statement or argument, over whatever is in brackets."""
        pos, stack = pos or self.token.pos, list[Token]()
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

    def end_of_previous(self) -> Pos:
        """Where the token before this one ends, if it is on one line and no string; a string ends anywhere."""
        before = self.tokens[self.at - 1]
        if before.kind == "string":
            return self.token.pos
        return Pos(before.pos.line, before.pos.column + len(before.text))
