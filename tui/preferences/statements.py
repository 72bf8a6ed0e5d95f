"""Where a setting stands in a TOML file: Python's reader gives the values, and no library says on which line one is."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}=\n]"
    r"|[^\"'#\[\]{}=\n]+",
    re.DOTALL,
)
"""Strings of each of the four forms, comments, the signs that structure a statement, and all else."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The header of a table, or a key with its value.

    Attributes:
        path: the names from the outermost table to the key.
        line: the line on which it begins, from 1.
        is_header: whether it is the header of a table.
    """

    path: tuple[str, ...]
    line: int
    is_header: bool


def line_of(text: str, *path: str) -> int:
    """The line of a table or a key in a document that Python's reader has taken; 1 where it is not there."""
    holder = 1
    for statement in statements(text):
        if statement.path[: len(path)] == path:
            return statement.line
        if not statement.is_header and path[: len(statement.path)] == statement.path:
            holder = statement.line
    return holder


def statements(text: str) -> Iterator[Statement]:
    """The statements of a document that Python's reader has taken, in their order."""
    table: tuple[str, ...] = ()
    for head, line in _heads(text):
        is_header = head.startswith("[")
        path = _names(head.strip("[]")) if is_header else table + _names(head)
        table = path if is_header else table
        yield Statement(path, line, is_header)


def _heads(text: str) -> Iterator[tuple[str, int]]:
    """The part of each statement before its first equals sign, and its line."""
    line, begun, depth = 1, 1, 0
    head, in_head = "", True
    for found in TOKEN.finditer(text.replace("\r\n", "\n") + "\n"):
        token = found[0]
        if token == "\n" and depth == 0:
            if head.strip():
                yield head.strip(), begun
            head, in_head = "", True
        elif token == "=" and depth == 0:
            in_head = False
        elif not token.startswith("#"):
            if not head.strip():
                begun = line
            head += token if in_head else ""
            depth += (token in ("[", "{")) - (token in ("]", "}"))
        line += token.count("\n")


def _names(key: str) -> tuple[str, ...]:
    """The names of a dotted key, such as `a."b.c"`."""
    names: list[str] = []
    value: Any = tomllib.loads(f"{key} = 0")
    while isinstance(value, dict):
        ((name, value),) = value.items()
        names.append(name)
    return tuple(names)
