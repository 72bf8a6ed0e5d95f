"""The output of a program, as a terminal would show it in the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.recording.output import MOST_BYTES, MOST_LINES, Tail, as_shown

# --- a terminal's own characters -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("", ""),
        ("one\ntwo\n", "one\ntwo\n"),
        ("no end of a line", "no end of a line"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("one\r\r\ntwo", "one\ntwo"),
        ("naïve … 中文 🙂\n", "naïve … 中文 🙂\n"),
        ("a\tb", "a\tb"),
    ],
)
def test_lines_stay_as_they_are(printed: str, shown: str) -> None:
    assert as_shown(printed) == shown


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\r 10%|█  |\r 50%|██ |\r100%|███|\n", "100%|███|\n"),
        ("10%\r20%\r30%", "30%"),
        ("10%\r20%\r", "20%"),
        ("10%\r20%\r\r", "20%"),
        ("10%\r\r20%\nnext", "20%\nnext"),
        ("epoch 1\n10%\r20%\repoch 2\n", "epoch 1\nepoch 2\n"),
        ("10%\r\x1b[K20%\r\x1b[2K30%\x1b[0m\n", "30%\n"),
        ("10%\r20%\r\n30%\r\n", "20%\n30%\n"),
    ],
)
def test_of_a_progress_bar_the_last_state_is_shown(printed: str, shown: str) -> None:
    assert as_shown(printed) == shown


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[31mred\x1b[0m \x1b[1;38;5;208mbold\x1b[m", "red bold"),
        ("\x1b[38:2::255:0:0mtrue\x1b[39m", "true"),
        ("\x1b[?25lhidden\x1b[?25h", "hidden"),
        ("up\x1b[A\x1b[2K\x1b[10;20Hthere\x1b[1 q", "upthere"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]2;another\x1b\\text", "text"),
        ("\x1b]8;;https://example.org\x07link\x1b]8;;\x07", "link"),
        ("\x1bMreverse\x1bE", "reverse"),
        ("an array[0m", "an array[0m"),
        ("[31m", "[31m"),
    ],
)
def test_colours_movements_and_titles_are_not_shown(printed: str, shown: str) -> None:
    assert as_shown(printed) == shown


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[1mbold\x1b(B\x1b[m", "bold"),
        ("\x1b7 50%\x1b8", " 50%"),
        ("\x1bcanew", "anew"),
        ("\x1b=keys\x1b>", "keys"),
    ],
    ids=["sgr0 of terminfo", "place of the cursor", "reset", "keypad"],
)
def test_other_sequences_of_terminals_are_not_shown(printed: str, shown: str) -> None:
    assert as_shown(printed) == shown


def test_only_the_last_lines_are_shown() -> None:
    lines = [f"line {number}" for number in range(3 * MOST_LINES)]
    assert as_shown("\n".join(lines)).split("\n") == lines[-MOST_LINES:]
    assert as_shown("\r\n".join(lines)).split("\n") == lines[-MOST_LINES:]


# --- a file ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "output.txt"


def test_a_file_is_read_as_it_grows(path: Path) -> None:
    tail = Tail(path)
    path.write_bytes(b"one\n")
    tail.read()
    assert tail.text == "one\n"
    with path.open("ab") as file:
        file.write(b"10%\r20%")
    tail.read()
    assert tail.text == "one\n20%"
    with path.open("ab") as file:
        file.write(b"\r30%\ntwo\n")
    tail.read()
    tail.read()
    assert tail.text == "one\n30%\ntwo\n"


def test_what_is_not_new_is_not_read_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"one\n")
    tail = Tail(path)
    tail.read()

    def opened(*_: object) -> None:
        raise AssertionError("it was opened again")

    monkeypatch.setattr(Path, "open", opened)
    tail.read()
    assert tail.text == "one\n"


def test_a_file_that_is_missing_says_nothing_until_it_is_there(path: Path) -> None:
    tail = Tail(path)
    tail.read()
    assert tail.text == ""
    path.write_text("there")
    tail.read()
    assert tail.text == "there"


def test_what_was_read_stays_when_the_file_is_gone(path: Path) -> None:
    path.write_text("there")
    tail = Tail(path)
    tail.read()
    path.unlink()
    tail.read()
    assert tail.text == "there"
    path.mkdir()
    tail.read()
    assert tail.text == "there"


@pytest.mark.parametrize("shorter", [b"", b"anew"])
def test_a_file_that_shrinks_is_read_anew(path: Path, shorter: bytes) -> None:
    path.write_text("a long text, and more of it")
    tail = Tail(path)
    tail.read()
    path.write_bytes(shorter)
    tail.read()
    assert tail.text == shorter.decode()


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"caf\xe9\n", "caf\ufffd\n"),
        (b"\xff\xfe\x00one\n", "\ufffd\ufffd\x00one\n"),
        ("naï".encode()[:-1], "na\ufffd"),
    ],
)
def test_bytes_that_are_no_text_are_shown_as_such(path: Path, written: bytes, shown: str) -> None:
    """The last one is a character that is half written."""
    path.write_bytes(written)
    tail = Tail(path)
    tail.read()
    assert tail.text == shown


def test_a_character_that_was_half_written_is_shown_once_it_is_whole(path: Path) -> None:
    tail = Tail(path)
    for end in (3, 4):
        path.write_bytes("naï".encode()[:end])
        tail.read()
    assert tail.text == "naï"


def test_of_a_huge_file_the_end_is_read(path: Path) -> None:
    lines = [f"line {number:06}" for number in range(200_000)]
    path.write_text("\n".join(lines))
    tail = Tail(path)
    tail.read()
    assert tail.text.split("\n") == lines[-MOST_LINES:]


@pytest.mark.parametrize("end", ["", "\n", "\rlast", "\nlast"])
def test_of_a_huge_line_the_end_is_read(path: Path, end: str) -> None:
    """As those of a progress bar on a machine that nobody looked at for days."""
    path.write_text("x" * (3 * MOST_BYTES) + end)
    tail = Tail(path)
    tail.read()
    first, _, last = tail.text.partition("\n")
    assert last == end.partition("\n")[2]
    assert first == "last" if end == "\rlast" else set(first) == {"x"}
    assert len(tail.text) <= MOST_BYTES


def test_the_end_begins_with_a_whole_character(path: Path) -> None:
    path.write_text("é" * MOST_BYTES + "x")
    tail = Tail(path)
    tail.read()
    assert set(tail.text) == {"é", "x"}
