"""The documentation's pictures are those that the console draws now."""

from __future__ import annotations

import re

import pytest

from tests.tui.doc_pictures import FOLDER, PICTURES, drawn


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_fresh(name: str) -> None:
    path = FOLDER / f"{name}.svg"
    fresh = comparable(drawn(PICTURES[name])) == comparable(path.read_text(encoding="utf-8"))
    assert fresh, f"{path} is stale: draw it anew with `make pictures`, look at it, and commit it"


def test_no_picture_is_left_that_nothing_draws() -> None:
    assert {each.stem for each in FOLDER.glob("*.svg")} == {*PICTURES, "recording"}


def comparable(picture: str) -> str:
    """A picture without the ids that are made for it."""
    return re.sub(r"terminal-\d+", "terminal", picture)
