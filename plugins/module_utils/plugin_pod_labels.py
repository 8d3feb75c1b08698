"""Jenkins' labels: what a template offers, and the expressions by which a job asks for it.

A port of `hudson.model.Label.parse` and `parseExpression`, `Jenkins.getLabel`, `hudson.util.QuotedStringTokenizer`
(jenkinsci/jenkins 2.578: LabelExpressionLexer.g4, LabelExpressionParser.g4, LabelExpression), and of
`PodTemplateUtils.sanitizeLabel` (jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set

Matcher = Callable[[Set[str]], bool]

_TOKEN = re.compile(
    r"[ \t]+"
    r"|(?P<sign>&&|\|\||!|->|<->|\(|\))"
    r"|(?P<atom>(?:-(?!>)|[^&|!<>() \t\"'-])+)"
    r"|(?P<text>\"(?:\\[btnfr\"'\\]|[^\\\"\r\n])*\")"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", "/": "/", '"': '"', "'": "'"}
_DELIMITERS = " \t\n\r"


class _SyntaxError(Exception):
    """The text is no label expression."""


def sanitize_label(text: str) -> str:
    """Make a label value of any text: its last 57 characters, odd ones replaced."""
    text = re.sub(r"[^_a-zA-Z0-9-]", "_", text[-57:])
    return re.sub(r"[^a-zA-Z0-9]$", "x", re.sub(r"^[^a-zA-Z0-9]", "x", text))


def parse_labels(text: str) -> frozenset[str]:
    """List the labels that a template offers: words, where quotes keep spaces and a backslash keeps what follows."""
    words: set[str] = set()
    word, quote, escaped, inside = "", "", False, False
    for letter in text:
        if escaped:
            word, escaped = word + ("" if letter in "\\'\"" else "\\") + letter, False
        elif letter == "\\" and inside:
            escaped = True
        elif quote:
            quote, word = ("", word) if letter == quote else (quote, word + letter)
        elif letter in "'\"":
            quote, inside = letter, True
        elif letter in _DELIMITERS:
            words |= {word} if inside else set()
            word, inside = "", False
        else:
            word, inside = word + letter, True
    return frozenset(words | ({word} if inside else set()))


def label_matches(expression: str, offered: str) -> bool:
    """Tell whether a template's labels satisfy what a job asks for.

    What is no expression, such as two words, is one label of that very name, which no template's words can be.

    Args:
        expression: such as `linux && !(arm || "old one")`; by falling strength `!`, `&&`, `||`, `->`, `<->`.
        offered: the template's `label`.
    """
    expression = _unquote(expression)
    labels = parse_labels(offered)
    try:
        return _Parser(expression).whole()(labels)
    except _SyntaxError:
        return expression in labels


def _unquote(text: str) -> str:
    """Take off the quotes around a whole text, and its escapes (`QuotedStringTokenizer.unquote`)."""
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        return text
    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", _unescape, text[1:-1], flags=re.DOTALL)


def _unescape(found: re.Match[str]) -> str:
    code, letter = found.groups()
    return chr(int(code, 16)) if code else _ESCAPES.get(letter, letter)


class _Parser:
    """Reads an expression by the grammar's levels; `!` takes one operand and no second `!`, `->` does not chain."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise _SyntaxError
            if found.lastgroup:
                self._tokens.append((found.lastgroup, found.group()))
            position = found.end()
        self._next = 0

    def whole(self) -> Matcher:
        """Read the text to its end."""
        result = self._equal()
        if self._next < len(self._tokens):
            raise _SyntaxError
        return result

    def _sign(self, *signs: str) -> bool:
        found = self._next < len(self._tokens) and self._tokens[self._next] in [("sign", sign) for sign in signs]
        self._next += found
        return found

    def _equal(self) -> Matcher:
        result = self._implied()
        while self._sign("<->"):
            result = _joined(result, self._implied(), lambda left, right: left == right)
        return result

    def _implied(self) -> Matcher:
        result = self._either()
        return _joined(result, self._either(), lambda left, right: not left or right) if self._sign("->") else result

    def _either(self) -> Matcher:
        result = self._both()
        while self._sign("||"):
            result = _joined(result, self._both(), lambda left, right: left or right)
        return result

    def _both(self) -> Matcher:
        result = self._not()
        while self._sign("&&"):
            result = _joined(result, self._not(), lambda left, right: left and right)
        return result

    def _not(self) -> Matcher:
        if not self._sign("!"):
            return self._one()
        negated = self._one()
        return lambda labels: not negated(labels)

    def _one(self) -> Matcher:
        if self._sign("("):
            result = self._equal()
            if not self._sign(")"):
                raise _SyntaxError
            return result
        kind, text = self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")
        if kind not in ("atom", "text"):
            raise _SyntaxError
        self._next += 1
        name = _unquote(text) if kind == "text" else text
        return lambda labels: name in labels


def _joined(left: Matcher, right: Matcher, how: Callable[[bool, bool], bool]) -> Matcher:
    return lambda labels: how(left(labels), right(labels))
