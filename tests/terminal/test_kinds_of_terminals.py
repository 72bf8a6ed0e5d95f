"""Terminals with few colours or none, of unknown kinds, without UTF-8; and texts that come in other ways."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminal.test_real_terminal import COMMAND, FAST, MAIN, Terminal
from tests.warm_start import Warm

pytestmark = pytest.mark.xdist_group("terminal")

COLOUR = re.compile(rb"\x1b\[(?:[0-9;:]*[;:])?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:[;:][0-9;:]*)?m")
"""A sequence that sets a colour; 39 and 49 are the terminal's own."""

Open = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path, text: Path, warm: Warm) -> Iterator[Open]:
    """Opens a terminal with a program in it; `kind` is what the environment says of it.

    With a command, that is started; without, code is run that need not be loaded first.
    """
    opened: list[Terminal] = []

    def make(*arguments: str, command: list[str] | None = None, **kind: str) -> Terminal:
        forked = [MAIN, *(arguments or (text.name, *FAST))]
        opened.append(Terminal(tmp_path, command or forked, (100, 30), None if command else warm, kind))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def test_no_colours_are_drawn_where_none_are_wanted(terminal: Open) -> None:
    console = terminal(TERM="xterm-256color", COLORTERM="truecolor", NO_COLOR="1")
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.press("h")
    console.until(lambda text: "What do you think is the case?" in text)
    chosen = [cell.data for line in console.screen.buffer.values() for cell in line.values() if cell.reverse]
    assert "".join(chosen).strip()  # What has the focus is shown the other way round.
    console.press("\x1b")
    console.until(lambda text: "What do you think is the case?" not in text)
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()
    assert COLOUR.search(console.received) is None
    for words in (["runs"], ["runs", "1"], ["diagnose", "1"], ["doctor"]):
        listed = terminal(*words, TERM="xterm-256color", COLORTERM="truecolor", NO_COLOR="1")
        assert listed.finish() in (0, 1)
        assert COLOUR.search(listed.received) is None, words


@pytest.mark.parametrize("kind", ["linux", pytest.param("xterm", marks=pytest.mark.soak)])
def test_sixteen_colours_are_those_of_the_terminal(terminal: Open, kind: str) -> None:
    console = terminal(TERM=kind)
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.press("q")
    assert console.finish() == 0
    assert b"38;2;" not in console.received
    assert b"38;5;" not in console.received
    assert COLOUR.search(console.received) is not None


@pytest.mark.parametrize("changes", [{"TERM": "dumb"}, {}], ids=["dumb", "unset"])
def test_a_terminal_that_only_prints_lines_is_told_so_and_trains(terminal: Open, changes: dict[str, str]) -> None:
    console = terminal(**changes)
    assert console.finish() == 2
    assert re.fullmatch(rb"charrnn-tui: TERM is dumb or not set: .*use `charrnn-tui train`\r\n", console.received)
    training = terminal("train", "words.txt", "--updates", "3", *FAST, **changes)
    assert training.finish() == 0
    assert b"\x1b" not in training.received
    assert b"words-1: its budget is used up after 3 updates" in training.received


NO_UTF8 = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.parametrize("changes", [NO_UTF8, {"PYTHONIOENCODING": "ascii"}], ids=["locale", "encoding"])
def test_without_utf8_the_console_says_what_to_set(terminal: Open, changes: dict[str, str]) -> None:
    console = terminal(command=[*COMMAND, "words.txt"], TERM="xterm-256color", **changes)
    assert console.finish() == 2
    assert b"the console draws in UTF-8, but standard output is in ascii: set LC_ALL" in console.received


SEVERAL = """
import sys
from tui.command_line.cli import main
for words in WORDS:
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as done:
        print(words[0], "code", done.code)
"""
"""Several commands in one process: each of their own would load torch."""


def test_without_utf8_no_command_fails(tmp_path: Path, text: Path) -> None:
    text.write_text("größer als ж — 漢字 🙂\n" * 400)
    # One process for all: each of them would load torch.
    several = [
        ["train", "words.txt", "--updates", "3", *FAST],
        ["runs"],
        ["runs", "1"],
        ["diagnose", "1"],
        ["sample", "1", "--chars", "40"],
        ["doctor"],
    ]
    code = SEVERAL.replace("WORDS", repr(several))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, **NO_UTF8}, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert re.findall(rb"(\w+) code (\d)", done.stdout)[:5] == [
        (each, b"0") for each in (b"train", b"runs", b"runs", b"diagnose", b"sample")
    ]
    assert b"doctor code 1" in done.stdout
    assert b"ascii: the console needs UTF-8" in done.stdout
    assert b"Traceback" not in done.stderr


def test_python_itself_takes_the_plain_c_locale_for_utf8(terminal: Open) -> None:
    console = terminal(command=[*COMMAND, "words.txt", *FAST], TERM="xterm-256color", LC_ALL="C")
    console.until(lambda text: "▶ training" in text and "╭─ Loss" in text)
    console.press("q")
    assert console.finish() == 0


def test_output_that_is_no_terminal_is_one_line(tmp_path: Path, text: Path) -> None:
    done = subprocess.run([*COMMAND, text.name], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    says = "charrnn-tui: standard output is not a terminal: the console needs one; use `charrnn-tui train`\n"
    assert (done.stdout, done.stderr) == ("", says)


PIPED = """
start() { "$1" -c 'MAIN' "${@:2}"; }
WAY
exit $?
""".replace("MAIN", MAIN)


@pytest.mark.parametrize(
    ("way", "name"),
    [
        ("cp words.txt ./-text.txt; start PYTHON FAST -- -text.txt", "-text.txt"),
        ("start PYTHON FAST <(cat words.txt)", "pipe-1"),
        pytest.param("cp words.txt ./-text.txt; start PYTHON ./-text.txt FAST", "-text.txt", marks=pytest.mark.soak),
        pytest.param("cat words.txt | start PYTHON - FAST", "stdin", marks=pytest.mark.soak),
        pytest.param(
            "mkfifo queue; cat words.txt > queue & start PYTHON queue FAST", "queue-1", marks=pytest.mark.soak
        ),
    ],
)
def test_a_text_comes_in_other_ways(terminal: Open, way: str, name: str) -> None:
    way = way.replace("PYTHON", sys.executable).replace("FAST", " ".join(FAST))
    code = PIPED.replace("WAY", way)
    console = terminal(command=["bash", "-c", code], TERM="xterm-256color")
    console.until(lambda text: "▶ training" in text and "loss " in text)
    assert name in console.text
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()
