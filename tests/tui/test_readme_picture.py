"""The README's picture is the one that the console draws now."""

from __future__ import annotations

import re

from tests.tui.readme_picture import PICTURE, drawn


def test_the_picture_of_the_readme_is_fresh() -> None:
    fresh = comparable(drawn()) == comparable(PICTURE.read_text(encoding="utf-8"))
    assert fresh, f"docs/{PICTURE.name} is stale: draw it anew with `make picture`, look at it, and commit it"


def comparable(picture: str) -> str:
    """A picture without the ids that are made for it."""
    return re.sub(r"terminal-\d+", "terminal", picture)
