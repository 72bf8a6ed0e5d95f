"""A settings file: its entries by table, each with the line on which it stands."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.errors import UserError

LARGEST = 64 * 1024
"""Bytes above which a file is none of settings."""

LONGEST_VALUE = 40


class Table(StrEnum):
    """The tables that a settings file may have."""

    TRAIN = "train"
    CONSOLE = "console"
    KEYS = "keys"
    NOTIFY = "notify"


class Source(StrEnum):
    """Where a value comes from. A later one goes before those above it."""

    DEFAULT = "default"
    USER = "user"
    PROJECT = "project"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True)
class Entry:
    """A setting in a file.

    Attributes:
        table: the table that it stands in.
        name: its name, with dashes in `[keys]` and with underscores elsewhere.
        value: its value, as TOML has it.
        source: whose file it is.
        place: the file and the line, such as `charrnn.toml:3`.
    """

    table: Table
    name: str
    value: Any
    source: Source
    place: str

    def wrong(self, expects: str) -> UserError:
        """The error for a value of another kind than the setting expects."""
        return UserError(f"{self.place}: {self.name} is {written(self.value)}; it must be {expects}")

    def unknown(self, known: Iterable[str]) -> UserError:
        """The error for a name that is none of those that the table may have."""
        return UserError(
            f"{self.place}: there is no setting {self.name} in [{self.table}]{nearest(self.name, list(known))}"
        )


def nearest(word: str, known: list[str]) -> str:
    """The known words that are nearest to a wrong one, or else all of them, as the end of a sentence."""
    close = get_close_matches(word, known, 3)
    return f": did you mean {' or '.join(close)}?" if close else f": there are {', '.join(known)}"


def written(value: object) -> str:
    """A value as TOML writes it, cut where it is long."""
    match value:
        case str():
            text = json.dumps(value, ensure_ascii=False)
        case bool():
            text = str(value).lower()
        case list():
            return "a list"
        case dict():
            return "a table"
        case int() if abs(value) > 10**LONGEST_VALUE:
            return "a very large number"
        case _:
            text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def read(path: Path, source: Source) -> tuple[Entry, ...]:
    """The entries of a settings file, none where there is no such file.

    Raises UserError where it cannot be read, or is no TOML, or has a table that is unknown.
    """
    text = read_text(path)
    # Imported here, and not where there is no file: the command line loads this at every start.
    import tomllib

    try:
        document = tomllib.loads(text) if text else {}
    except (ValueError, RecursionError) as error:
        raise UserError(_no_toml(path, text, error)) from error
    return tuple(_entries(path, text, document, source))


def read_text(path: Path) -> str:
    """The text of a settings file, empty where there is none; raises UserError where it cannot be read."""
    content = _bytes(path)
    try:
        # Some editors begin a file in UTF-8 with a mark.
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(f"{path}:{line}: this is not UTF-8; save the file in UTF-8") from error


def _bytes(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"{path} is not a regular file; settings are read from one")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; make it readable, or remove it") from error
    if len(content) > LARGEST:
        raise UserError(f"{path} has more than {LARGEST // 1024} KiB; a settings file is smaller")
    return content


def _no_toml(path: Path, text: str, error: Exception) -> str:
    """Such as `charrnn.toml:3: this is no TOML: invalid value at column 5`."""
    if isinstance(error, RecursionError):
        return f"{path}:1: lists or tables stand too deep in each other; settings are not nested"
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
    if found is None:
        return f"{path}:1: this is no TOML: {_lower(str(error))}"
    if found[2] is None:
        return f"{path}:{len(text.splitlines())}: this is no TOML: {_lower(found[1])} at the end of the file"
    return f"{path}:{found[2]}: this is no TOML: {_lower(found[1])} at column {found[3]}"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _entries(path: Path, text: str, document: Mapping[str, Any], source: Source) -> Iterator[Entry]:
    # Loaded only where something is read.
    from tui.preferences.statements import line_of

    for heading, values in document.items():
        place = f"{path}:{line_of(text, heading)}"
        if heading not in list(Table):
            raise UserError(f"{place}: {_no_table(heading, values)}")
        if not isinstance(values, dict):
            raise UserError(
                f"{place}: {heading} is {written(values)}; it must be a table, which begins with [{heading}]"
            )
        table, there = Table(heading), dict[str, str]()
        for key, value in values.items():
            name = key.replace("_", "-") if table is Table.KEYS else key.replace("-", "_")
            at = f"{path}:{line_of(text, heading, key)}"
            if name in there:
                raise UserError(f"{at}: {key} stands as {there[name]} in this table already; keep one of them")
            there[name] = key
            yield Entry(table, name, value, source, at)


def _no_table(heading: str, values: object) -> str:
    if isinstance(values, dict | list):
        return f"there is no table [{heading}]{nearest(heading, [f'[{table}]' for table in Table])}"
    return f"{heading} stands above all tables; write it below [{Table.TRAIN}], or where else it belongs"
