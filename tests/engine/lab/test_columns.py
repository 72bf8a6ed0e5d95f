"""Columns: any text can be stored, and what is damaged is said in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import UserError
from engine.lab.columns import is_dict_of, is_list_of, read_json, storable
from tests.engine.lab.conftest import HOSTILE


def test_a_text_is_stored_as_it_is_except_for_lone_surrogates() -> None:
    assert storable("naïve 🙂\x00") == "naïve 🙂\x00"
    assert storable(HOSTILE).encode() == HOSTILE.replace("\udcff", r"\udcff").encode()


@pytest.mark.parametrize(
    ("is_valid", "right", "wrong"),
    [
        (is_list_of(str), '["a", "b"]', ['["a", 1]', '{"a": "b"}', '"ab"', "null", "[", "", "[" * 100_000]),
        (is_list_of(int | float), "[1, 2.5]", ['["1"]', "[null]", "1"]),
        (is_dict_of(int | None), '{"a": 1, "b": null}', ['{"a": "1"}', "[1]"]),
    ],
)
def test_only_valid_json_is_read(
    folder: Path, is_valid: Callable[[object], bool], right: str, wrong: list[str]
) -> None:
    assert read_json(folder, "table.column", right, is_valid)
    for text in wrong:
        with pytest.raises(UserError, match=r"lab\.sqlite is damaged: table\.column cannot be read; put a copy"):
            read_json(folder, "table.column", text, is_valid)
