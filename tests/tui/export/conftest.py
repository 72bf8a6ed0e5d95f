"""Reports whose pictures are not all drawn: a report draws each in two themes and twice as many formats."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tui.export import report
from tui.export.pictures import LIGHT, Picture, Theme, render

EMPTY = {"svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>', "png": b"\x89PNG"}


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures without anything in them, where it is the words that count."""
    monkeypatch.setattr(report, "render", lambda _picture, _theme, kind: EMPTY[kind])


def of_a_race(picture: Picture) -> bool:
    """Whether a picture shows a race, and not one run."""
    return picture.name.startswith("race-")


def draw_only(monkeypatch: pytest.MonkeyPatch, wanted: Callable[[Picture, bool], bool]) -> None:
    """Draw what is wanted of a picture and whether it is in the first theme and as SVG."""

    def render_some(picture: Picture, theme: Theme, kind: str) -> bytes:
        return render(picture, theme, kind) if wanted(picture, theme is LIGHT and kind == "svg") else EMPTY[kind]

    monkeypatch.setattr(report, "render", render_some)


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture in one theme and as SVG alone, where the others would show nothing new."""
    draw_only(monkeypatch, lambda _picture, first: first)


@pytest.fixture
def race_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The race's pictures in every way, and those of its runs once."""
    draw_only(monkeypatch, lambda picture, first: first or of_a_race(picture))


@pytest.fixture
def race_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The race's pictures once, where those of its runs would show nothing new."""
    draw_only(monkeypatch, lambda picture, first: first and of_a_race(picture))
