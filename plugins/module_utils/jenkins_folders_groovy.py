"""Job DSL as text: calls with literal arguments, so that nothing in a name or URL can become code or a secret.

Two readers come one after the other. Configuration as Code (configuration-as-code-plugin, docs/features/secrets.adoc)
puts secrets in place of `${…}` unless a caret precedes it, in the whole script; then Groovy 2.4 reads what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

# A backslash begins an escape everywhere in a source, `\uXXXX` even outside of literals: so none is left bare.
_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INDENT = "    "


@dataclass(frozen=True)
class Call:
    """One call of Job DSL: `name(arguments) { body }`.

    Attributes:
        name: of the method; our own text, never a user's.
        arguments: texts, numbers, booleans, or lists of texts.
        body: what is within its closure, calls or lines of our own text; None: it has no closure.
    """

    name: str
    arguments: tuple[Any, ...] = ()
    body: tuple[Call | str, ...] | None = None


def call(name: str, *arguments: Any) -> Call:
    """Make a call without a closure."""
    return Call(name, arguments)


def block(name: str, *body: Call | str, of: tuple[Any, ...] = ()) -> Call:
    """Make a call with a closure.

    Args:
        name: of the method.
        body: calls within the closure, or lines of Groovy without anything of a user's.
        of: arguments before the closure.
    """
    return Call(name, of, body)


def script(calls: Sequence[Call]) -> str:
    """Write calls as a script, `${` in their texts kept from Configuration as Code.

    Raises:
        BuildkeepError: a text holds characters that Groovy or YAML cannot.
    """
    return "".join(f"{line}\n" for one in calls for line in _lines(one, 0))


def literal(value: Any) -> str:
    """Write a Groovy literal, safe in a script of Configuration as Code.

    Args:
        value: text, number, boolean, or a list of those.

    Raises:
        BuildkeepError: the text holds characters that Groovy or YAML cannot.
        TypeError: the value is of another type.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f"'{keep(''.join(_ESCAPES.get(letter, letter) for letter in _printable(value)))}'"
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(item) for item in value)}]"
    raise TypeError(f"no literal: {type(value).__name__}")


def keep(text: str) -> str:
    """Keep what looks like a secret's name as text (`SecretSourceResolver.encode`, 2117.vc05a_0b_e6b_f4e)."""
    return text.replace("${", "^${")


def _printable(text: str) -> str:
    odd = sorted({f"U+{ord(letter):04X}" for letter in text if not (letter.isprintable() or letter in _ESCAPES)})
    if odd:
        raise BuildkeepError([f"{text!r} holds characters that cannot be written into a script: {', '.join(odd)}"])
    return text


def _lines(one: Call | str, depth: int) -> Iterator[str]:
    if isinstance(one, str):
        yield f"{_INDENT * depth}{one}"
        return
    arguments = ", ".join(literal(argument) for argument in one.arguments)
    head = f"{_INDENT * depth}{one.name}"
    if one.body is None:
        yield f"{head}({arguments})"
        return
    yield f"{head}({arguments}) {{" if arguments else f"{head} {{"
    for inner in one.body:
        yield from _lines(inner, depth + 1)
    yield f"{_INDENT * depth}}}"
