"""Conversion of values to the columns of the lab's tables, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, func, select

from engine.errors import UserError
from engine.lab.database import FILE

Word = TypeVar("Word", bound=StrEnum)


def next_number(connection: Connection, numbers: Column[int]) -> int:
    """The number of a table's next row; the first one is 1."""
    return (connection.scalar(select(func.max(numbers))) or 0) + 1


def storable(text: str) -> str:
    """The text with its lone surrogates escaped: a file name may have them, and SQLite cannot store them."""
    return text.encode("utf-8", "backslashreplace").decode()


def now() -> str:
    """The present time for a `created` column, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read_json(folder: Path, column: str, text: str, is_valid: Callable[[Any], bool]) -> Any:
    """The value in a column of JSON; raises UserError where the text is not JSON, or the value is not valid."""
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(_say_damaged(folder, column)) from error
    if not is_valid(value):
        raise UserError(_say_damaged(folder, column))
    return value


def read_word(folder: Path, column: str, text: str, words: type[Word]) -> Word:
    """The member of `words` that a column holds; raises UserError where the text is none of them."""
    try:
        return words(text)
    except ValueError as error:
        raise UserError(_say_damaged(folder, column)) from error


def is_list_of(kind: type | UnionType) -> Callable[[object], bool]:
    """A check for `read_json`: a list whose items are all of one type."""
    return lambda value: isinstance(value, list) and all(isinstance(each, kind) for each in value)


def is_dict_of(kind: type | UnionType) -> Callable[[object], bool]:
    """A check for `read_json`: a dict whose values are all of one type."""
    return lambda value: isinstance(value, dict) and all(isinstance(each, kind) for each in value.values())


def _say_damaged(folder: Path, column: str) -> str:
    return (
        f"{folder / FILE} is damaged: {column} cannot be read; "
        "put a copy of the file back, or name another folder with --lab"
    )
