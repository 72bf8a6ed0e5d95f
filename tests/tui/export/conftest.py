"""Reports whose pictures are not all drawn: a report draws each in two themes and twice as many formats."""

from __future__ import annotations

import pytest

from tui.export import report
from tui.export.pictures import LIGHT, Picture, Theme, render

EMPTY = {"svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>', "png": b"\x89PNG"}


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures without anything in them, where it is the words that count."""
    monkeypatch.setattr(report, "render", lambda _picture, _theme, kind: EMPTY[kind])


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture in one theme and as SVG alone, where the others would show nothing new."""

    def render_once(picture: Picture, theme: Theme, kind: str) -> bytes:
        return render(picture, theme, kind) if theme is LIGHT and kind == "svg" else EMPTY[kind]

    monkeypatch.setattr(report, "render", render_once)
