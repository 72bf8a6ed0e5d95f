"""The README's recording, and the animated pictures that it is one of."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from rich.segment import Segment
from rich.style import Style

from tests.docs.film import Frame, film
from tests.docs.recording import AT_FIRST, COMMAND, FOUND, NAMED, PATH, TRIED

LARGEST = 1_500_000
"""The most bytes of the recording."""

SVG = "{http://www.w3.org/2000/svg}"


def frame(*rows: str, seconds: float = 1.0, style: str = "") -> Frame:
    return Frame([[Segment(row, Style.parse(style))] for row in rows], seconds, f"{seconds:g} s")


def texts(svg: str) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_recording_shows_a_training_that_goes_wrong_and_is_cured() -> None:
    svg = PATH.read_text(encoding="utf-8")
    assert PATH.stat().st_size < LARGEST
    said = texts(svg)
    assert COMMAND in said
    captions = [each for each in said if each in (AT_FIRST, NAMED, FOUND, TRIED)]
    assert list(dict.fromkeys(captions)) == [AT_FIRST, NAMED, FOUND, TRIED]
    for words in ("learning-rate-too-high", "The learning rate is too high", "try it (t): lr 0.2", "Learning well"):
        assert any(words in each for each in said), words
    seconds = re.search(r"animation: f ([\d.]+)s", svg)
    assert seconds is not None
    assert 15 <= float(seconds[1]) <= 30


def test_a_film_loads_nothing_and_runs_nothing() -> None:
    svg = PATH.read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "url(" not in svg
    assert set(re.findall(r'(?:href|src)="(.)', svg)) == {"#"}


def test_a_row_that_stays_is_there_once() -> None:
    svg = film([frame("one  ", "stays"), frame("other", "stays", seconds=3.0)], "a film", 1)
    assert texts(svg).count("stays") == 1
    assert len(re.findall("<use ", svg)) == 4


def test_each_frame_stands_for_its_time() -> None:
    svg = film([frame("one"), frame("two", seconds=3.0)], "a film", 1)
    assert "animation: f 4.00s step-end infinite" in svg
    assert "@keyframes f { 0% { transform: translateY(0px) } 25% { transform: translateY(-18px) } }" in svg
    assert ".f { animation: none; transform: translateY(-18px) }" in svg


def test_words_stand_at_their_columns_and_are_escaped() -> None:
    svg = film([frame("  <&> [b]  ", style="bold reverse red")], "a <film>", 0)
    word = next(each for each in ElementTree.fromstring(svg).iter(f"{SVG}text") if "[b]" in "".join(each.itertext()))
    assert word.text == "<&> [b]"
    assert (word.get("x"), word.get("textLength")) == ("16.8", "58.8")
    assert "font-weight: bold" in svg
