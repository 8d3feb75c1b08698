"""What the Kubernetes plugin's pods owe to Java: the order of its hash tables, its paths, command lines and numbers.

The rules are those of OpenJDK 17 and of Ant's `Commandline`, as jenkinsci/kubernetes-plugin 4423.vb_59f230b_ce53 calls
them. The order matters where it can be seen: a variable's `$(NAME)` is replaced only if NAME stands before it, and a
template's volumes are numbered in the order in which the plugin meets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from ansible_collections.buildkeep.ci.plugins.module_utils.errors import BuildkeepError

Value = TypeVar("Value")
_LONG = re.compile(r"[+-]?[0-9]+")


class HashMap(Generic[Value]):
    """A `java.util.HashMap` with texts as keys, for its order only (`put`, `putAll`, `values`)."""

    def __init__(self, values: Mapping[str, Value] | None = None) -> None:
        """Begin empty, or as `new HashMap(values)`."""
        self._values: dict[str, Value] = {}
        self._buckets = 0
        if values is not None:
            self.put_all(values)

    def put(self, key: str, value: Value) -> None:
        """Set one value; the table doubles when it is more than three quarters full."""
        self._buckets = self._buckets or 16
        self._values[key] = value
        if len(self._values) > self._buckets * 3 // 4:
            self._buckets *= 2

    def put_all(self, values: Mapping[str, Value] | HashMap[Value]) -> None:
        """Set many; a table that is empty yet gets the size that they need, which may be less than 16."""
        values = values.ordered() if isinstance(values, HashMap) else values
        if values and not self._buckets:
            self._buckets = 1 << (int(len(values) / 0.75 + 1.0) - 1).bit_length()
        elif len(values) > self._buckets * 3 // 4:
            self._buckets *= 2
        for key, value in values.items():
            self.put(key, value)

    def ordered(self) -> dict[str, Value]:
        """List all values by key, by bucket and within a bucket in the order in which they came."""
        return dict(sorted(self._values.items(), key=lambda item: _spread(item[0]) & (self._buckets - 1)))


def in_hash_order(values: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Put values one by one into an empty table, as `Collectors.toMap` does; a later one of a key wins."""
    table: HashMap[Value] = HashMap()
    for key, value in values:
        table.put(key, value)
    return table.ordered()


def _spread(text: str) -> int:
    """Hash a text (`String.hashCode`) and fold it (`HashMap.hash`)."""
    code = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for high, low in zip(units[::2], units[1::2], strict=True):
        code = (31 * code + (high << 8 | low)) & 0xFFFFFFFF
    return code ^ code >> 16


def normalize_path(path: str) -> str:
    """Drop `.`, `..` and doubled slashes (`PodTemplateBuilder.normalizePath`, `Path.normalize`)."""
    parts: list[str] = []
    absolute = path.startswith("/")
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", ".") and not (part == ".." and absolute):
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts).replace("\\", "/")


def split_command(line: str, where: str) -> list[str]:
    """Split a command at spaces outside quotes (`Commandline.translateCommandline` of Ant); nothing escapes a quote.

    Raises:
        BuildkeepError: for a quote that does not end.
    """
    words: list[str] = []
    word, quote, quoted = "", "", False
    for letter in line:
        if quote:
            quote, word, quoted = ("", word, True) if letter == quote else (quote, word + letter, quoted)
        elif letter in "'\"":
            quote = letter
        elif letter == " ":
            words += [word] if word or quoted else []
            word, quoted = "", False
        else:
            word, quoted = word + letter, False
    if quote:
        raise BuildkeepError([f"{where}: a quote does not end in {line!r}; close it"])
    return words + ([word] if word or quoted else [])


def parse_long(value: object) -> int | None:
    """Read a whole number (`PodTemplateUtils.parseLong`): what is none is no value, also one of more than 64 bits."""
    text = "" if value is None else str(value).strip()
    number = int(text) if _LONG.fullmatch(text) else None
    return number if number is None or -(2**63) <= number < 2**63 else None
