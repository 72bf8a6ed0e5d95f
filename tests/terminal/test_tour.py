"""The tour in a real terminal: every lesson is done by the keys that it names, on a training that goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal.test_real_terminal import Open, terminal  # noqa: F401 - the fixture
from tui.console.tour import LESSONS

ROOT = Path(__file__).parents[2]


@pytest.mark.soak
def test_every_lesson_is_done_by_the_keys_that_it_names(terminal: Open, tmp_path: Path) -> None:  # noqa: F811
    # A text of that name in the working directory stands in for Shakespeare's: a megabyte of programs.
    sources = "".join(
        path.read_text() for folder in ("engine", "tui") for path in sorted((ROOT / folder).rglob("*.py"))
    )
    (tmp_path / "shakespeare.txt").write_text(sources)
    console = terminal("tour", size=(120, 40))
    count = len(LESSONS)
    console.until(lambda text: f"2/{count}" in text)
    assert "learning rate is too high" in console.text
    console.press("F")
    console.until(lambda text: "t: try it · r: race it" in text)
    console.press("\x1b")
    # What is typed before the dialog is gone would be taken for a key with alt.
    console.until(lambda text: f"3/{count}" in text and "t: try it" not in text)
    console.press("t")
    console.until(lambda text: f"4/{count}" in text)
    console.until(lambda text: "Learning well" in text)
    console.press("u")
    console.until(lambda text: f"5/{count}" in text)
    console.press("F")
    console.until(lambda text: "t: try it · r: race it" in text)
    console.press("r")
    console.until(lambda text: "What varies, a setting and its values" in text)
    console.press("\r")
    console.until(lambda text: f"6/{count}" in text)
    console.press("9")
    console.until(lambda text: f"{count}/{count}" in text)
    assert "lr 0.004" in console.text
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()
    assert not list(tmp_path.glob("charrnn-lab*"))


def test_the_tour_is_offered_once(terminal: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for is_first in (True, False):
        console = terminal()
        console.until(lambda text: "▶ training" in text)
        if is_first:
            console.until(lambda text: "New here?" in text)
        else:
            assert "New here?" not in console.text
        console.press("q")
        assert console.finish() == 0
