"""The real process in a real terminal: what it receives, the exit code, and the terminal's state afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyte
import pytest

from engine.events import Change
from engine.lab import Lab
from tests.waiting import PATIENCE
from tests.warm_start import Warm, WarmProcess

pytestmark = pytest.mark.xdist_group("terminal")  # most are forked from one process

UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[?>=][0-9;]*(?:\$p|u|m|q)")
"""Questions about modes and keyboards, which draw nothing, and which pyte would show as text."""

FAST = ["--hidden", "24", "--embedding", "8", "--streams", "4", "--bptt", "20", "--dtype", "float32", "--threads", "1"]


FULL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
"""The environment of a terminal with all colours."""

MAIN = "from tui.command_line.cli import main; main()"
COMMAND = [sys.executable, "-c", MAIN]

PATIENT = f"from tui.console import app; app.SCREEN_SECONDS = {PATIENCE}; {MAIN}"
"""The same, whose console gives the terminal back after a signal however slow the machine is."""


class Terminal:
    """A terminal of so many columns and rows with a program in it.

    Args:
        folder: the program's working directory.
        command: the program and its arguments; or, with `warm`, code for Python and its arguments.
        size: the columns and rows.
        warm: the process that the program is forked from.
        kind: what the environment says of the terminal.
    """

    def __init__(
        self,
        folder: Path,
        command: list[str],
        size: tuple[int, int],
        warm: Warm | None,
        kind: Mapping[str, str] = FULL,
    ) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.received = b""
        self._handle, self._terminal = self._handles = list(pty.openpty())
        self.resize(*size)
        self.before = termios.tcgetattr(self._terminal)
        # A size in the environment would go before the terminal's own; and users' output is buffered.
        left_out = ("COLUMNS", "LINES", "PYTHONUNBUFFERED", "TERM", "COLORTERM", "NO_COLOR")
        environment = {name: value for name, value in os.environ.items() if name not in left_out} | dict(kind)
        self.process: subprocess.Popen[bytes] | WarmProcess
        if warm is not None:
            self.process = warm.start(command[0], command[1:], folder, environment, [self._terminal] * 3)
            return
        self.process = subprocess.Popen(
            command,
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=self._terminal,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def read(self, seconds: float) -> None:
        """Take what the terminal was sent, waiting for something at most so long."""
        if select.select([self._handle], [], [], seconds)[0]:
            part = os.read(self._handle, 65_536)
            self.received += part
            self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", part))

    def press(self, keys: str) -> None:
        self.send(keys.encode())

    def send(self, keys: bytes) -> None:
        os.write(self._handle, keys)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def until(self, condition: Callable[[str], Any]) -> str:
        end = time.monotonic() + PATIENCE
        while not condition(self.text):
            assert time.monotonic() < end, self.text
            assert self.process.poll() is None, self.text
            self.read(0.1)
        return self.text

    def finish(self) -> int:
        """Read until the process has ended; returns its exit code."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, self.text
            self.read(0.05)
        self.drain()
        return self.process.wait()

    def drain(self) -> None:
        """Take all that the terminal was sent."""
        while select.select([self._handle], [], [], 0)[0]:
            self.read(0)

    def assert_as_it_was(self) -> None:
        """The line discipline is as before, the alternate screen is left, the cursor shows, the mouse is let go."""
        assert termios.tcgetattr(self._terminal) == self.before
        for on, off in (
            (b"\x1b[?1049h", b"\x1b[?1049l"),
            (b"\x1b[?25l", b"\x1b[?25h"),
            (b"\x1b[?1000h", b"\x1b[?1000l"),
        ):
            assert self.received.rfind(off) > self.received.rfind(on) >= 0

    def vanish(self) -> int:
        """Close the terminal under the process, as a window that is closed does; returns the process' exit code."""
        self._close_handles()
        return self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close_handles()

    def _close_handles(self) -> None:
        while self._handles:
            os.close(self._handles.pop())


Open = Callable[..., Terminal]


@pytest.fixture
def terminal(tmp_path: Path, text: Path, warm: Warm) -> Iterator[Open]:
    opened: list[Terminal] = []

    def make(
        *arguments: str, size: tuple[int, int] = (120, 40), code: str = MAIN, command: list[str] | None = None
    ) -> Terminal:
        """With a command, that is started; without, code is run that need not be loaded first."""
        forked = [code, *(arguments or (text.name, *FAST))]
        opened.append(Terminal(tmp_path, command or forked, size, None if command else warm))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def contains(words: str, text: str) -> bool:
    return words in text


def differs(screen: pyte.Screen, row: int, column: int, before: object, _text: str) -> bool:
    """Whether a cell is another than before, as where the cursor of a field now is."""
    return bool(screen.buffer[row][column] != before)


def loss(text: str) -> float:
    return float(text.split("loss ", 1)[1].split()[0])


def test_a_session_from_the_first_paint_to_a_clean_terminal(terminal: Open, tmp_path: Path) -> None:
    console = terminal(command=[*COMMAND, "words.txt", *FAST])
    first = loss(console.until(lambda text: " bits)" in text and "▶ training" in text))
    filled = console.until(lambda text: "── begun at update" in text and "rnn.hh0" in text and "◆" in text)
    assert "h writes one down" in filled
    console.until(lambda text: loss(text) < first)

    console.press(" ")
    console.until(lambda text: "‖ paused" in text)
    console.press(" ")
    console.until(lambda text: "▶ training" in text)
    for key, applied in (
        ("b", "bptt 20 → 10 — applied"),
        ("B", "bptt 10 → 20 — applied"),
        ("c", "clip 1 → off — applied"),
        ("c", "clip off → 1 — applied"),
        ("[", "clip 1 → 0.7 — applied"),
        ("]", "clip 0.7 → 1 — applied"),
        ("l", "lr 0.004 → 0.003 — applied"),
        ("L", "lr 0.003 → 0.005 — applied"),
    ):
        console.press(key)
        console.until(partial(contains, applied))
    assert "lr 0.005" in console.text

    console.press("u")
    console.until(lambda text: "before lr 0.003 → 0.005" in text and "lr 0.003  drop" in text)
    console.press("s")
    console.until(lambda text: "saved update-" in text)
    console.press("h")
    console.until(lambda text: "What do you think is the case?" in text)
    for words, hint in (("clip 1 helps", "without it the loss"), ("less loss", "clip=1,off")):
        console.press(words)
        console.until(partial(contains, words))
        row = next(row for row, line in enumerate(console.screen.display) if hint in line)
        column = console.screen.display[row].index(hint)
        without_cursor = console.screen.buffer[row][column]
        console.press("\r")
        console.until(partial(differs, console.screen, row, column, without_cursor))
    console.press("\r")
    console.until(lambda text: "H1 ? open" in text and "clip 1 helps" in text)

    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()

    with Lab.open_existing(tmp_path / "charrnn-lab") as lab:
        run = lab.runs.get("words-1")
        assert run.status == "quit"
        changes = [entry for entry in lab.events.log(run) if isinstance(entry, Change)]
        assert [(entry.new, entry.undone) for entry in changes][-2:] == [("0.003", False), ("0.005", True)]
        (saved,) = lab.runs.checkpoint_folder(run).glob("update-*.safetensors")
    sample = [*COMMAND, "sample", str(saved), "--chars", "30"]
    assert len(subprocess.run(sample, capture_output=True, text=True, check=True).stdout) == 31

    again = terminal("resume", "words-1")
    again.until(lambda text: "H1 ? open" in text and "▶ training" in text and "lr 0.003" in text)
    again.press("q")
    assert again.finish() == 0


def is_stopped(process: int) -> bool:
    """Whether a process was stopped by a signal; Linux says so here."""
    return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system does not say whether a process stands")
def test_the_shell_has_the_terminal_back_until_fg(terminal: Open) -> None:
    console = terminal(command=[*COMMAND, "words.txt", *FAST])
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.press("\x1a")
    console.until(lambda _: is_stopped(console.process.pid))
    console.drain()
    console.assert_as_it_was()
    before = len(console.received)
    console.process.send_signal(signal.SIGCONT)
    console.until(lambda text: len(console.received) > before and "▶ training" in text)
    console.press("q")
    assert console.finish() == 0
    assert "words-1 is saved at update" in console.text
    assert "`charrnn-tui resume words-1` continues it" in console.text


def test_a_training_goes_on_without_its_console_and_is_come_back_to(terminal: Open, tmp_path: Path) -> None:
    console = terminal()
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.press("Q")
    assert console.finish() == 0
    console.assert_as_it_was()
    said = re.search(r"words-1 goes on as process (\d+): `charrnn-tui attach words-1`", console.text)
    assert said is not None, console.text
    process = int(said[1])
    try:
        again = terminal("attach", code=f"{MAIN}")
        first = again.until(lambda text: "words-1" in text and "▶ training" in text and "loss " in text)
        again.until(lambda text: "▶ training" in text and text != first)
        again.press("q")
        assert again.finish() == 0
        os.kill(process, 0)
    finally:
        os.kill(process, signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    status = ""
    while status != "sigterm":
        assert time.monotonic() < end, status
        with Lab.open_existing(tmp_path / "charrnn-lab") as lab:
            status = lab.runs.get("words-1").status


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.soak),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.soak),
    ],
)
def test_a_signal_saves_and_leaves_a_clean_terminal(terminal: Open, tmp_path: Path, number: int, code: int) -> None:
    console = terminal(code=PATIENT)
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.process.send_signal(number)
    assert console.finish() == code
    console.assert_as_it_was()
    assert (tmp_path / "charrnn-lab" / "checkpoints" / "words-1" / "latest.safetensors").exists()


@pytest.mark.parametrize("ignored", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_a_closed_terminal_saves_and_ends(terminal: Open, tmp_path: Path, ignored: bool) -> None:
    ignore = ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh"] if ignored else []
    console = terminal(command=[*ignore, *COMMAND, "words.txt", *FAST])
    console.until(lambda text: "▶ training" in text and "loss " in text)
    assert console.vanish() == 129
    with Lab.open_existing(tmp_path / "charrnn-lab") as lab:
        assert lab.runs.get("words-1").status == "sighup"
    assert (tmp_path / "charrnn-lab" / "checkpoints" / "words-1" / "latest.safetensors").exists()


def test_a_terminal_that_takes_nothing_does_not_keep_a_signal_waiting(terminal: Open, tmp_path: Path) -> None:
    console = terminal()
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.press("?")
    console.process.send_signal(signal.SIGTERM)
    # Nothing is read from here on: what the process still writes fills the terminal.
    assert console.process.wait() == 143
    with Lab.open_existing(tmp_path / "charrnn-lab") as lab:
        assert lab.runs.get("words-1").status == "sigterm"


def test_standard_error_may_be_a_file(terminal: Open, tmp_path: Path) -> None:
    console = terminal(command=["sh", "-c", 'exec "$@" 2>errors', "sh", *COMMAND, "words.txt", *FAST])
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()
    assert (tmp_path / "errors").read_text() == ""


def test_keys_that_are_no_text_do_no_harm(terminal: Open) -> None:
    console = terminal()
    console.until(lambda text: "▶ training" in text and "loss " in text)
    console.send(b"\xe4b\x1b[99999999999u")
    console.until(lambda text: "bptt 20 → 10 — applied" in text)
    console.press("h")
    console.until(lambda text: "What do you think is the case?" in text)
    console.send(b"\x1b[200~clip\x9b31m helps\xff\x1b[201~")
    console.until(lambda text: "clip\N{REPLACEMENT CHARACTER}31m helps" in text)
    console.press("\x1b")
    console.until(lambda text: "What do you think is the case?" not in text)
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()


def test_a_race_that_is_left_is_found_again(terminal: Open) -> None:
    console = terminal()
    console.until(lambda text: "▶ training" in text)
    console.press("r")
    console.until(lambda text: "What varies, a setting and its values" in text)
    console.press("clip=1,off")
    console.until(lambda text: "clip=1,off" in text)
    console.press("\r")
    console.until(lambda text: "R1 begins" in text or "‖ paused" in text)
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()
    assert "R1 is not decided: `charrnn-tui race --resume R1` continues it" in console.text
    again = terminal("resume", "words-1")
    again.until(lambda text: " bits)" in text)
    again.press("9")
    again.until(lambda text: "R1 ■ stopped" in text and "charrnn-tui race --resume R1" in text)
    again.press("q")
    assert again.finish() == 0
    assert "is not decided" not in again.text


def test_quitting_while_it_loads(terminal: Open) -> None:
    console = terminal(command=[*COMMAND, "words.txt", *FAST])
    console.until(lambda text: "loading" in text)
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()
    assert "nothing was trained yet" in console.text or "words-1 is saved" in console.text


def test_a_tiny_terminal_and_resizing_and_ctrl_c_is_a_quit(terminal: Open) -> None:
    console = terminal(size=(10, 3))
    console.until(lambda text: "80×24" in text)
    console.resize(100, 30)
    console.process.send_signal(signal.SIGWINCH)
    console.until(lambda text: "▶ training" in text)
    console.press("\x03")
    assert console.finish() == 0
    console.assert_as_it_was()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.txt"], "there is no text nowhere.txt"),
        pytest.param(["."], "is a folder", marks=pytest.mark.soak),
        (["words.txt", "--bptt", "9000"], "use --bptt"),
        pytest.param(["words.txt", "--lab", "words.txt"], "is a file: name a folder", marks=pytest.mark.soak),
    ],
)
def test_what_is_wrong_is_a_message_and_then_a_line(terminal: Open, arguments: list[str], says: str) -> None:
    console = terminal(*arguments)
    console.until(lambda text: says in text)
    console.press("q")
    assert console.finish() == 2
    console.assert_as_it_was()
    line = console.received.rsplit(b"\x1b[?1049l", 1)[1].decode()
    assert says in line
    assert "Traceback" not in line


def test_a_text_of_escapes_through_standard_input_stays_text_and_keys_come_from_the_terminal(
    terminal: Open, tmp_path: Path
) -> None:
    (tmp_path / "evil.txt").write_text("\x1b]0;gone\x07\x9b31m\u202eevil [bold]x[/] \x1b[2J" * 100)
    start = f"{sys.executable} -c 'from tui.command_line.cli import main; main()'"
    code = f"cat evil.txt | {start} - {' '.join(FAST)}; exit $?"
    console = terminal(command=["sh", "-c", code])
    console.until(lambda text: "▶ training" in text and "stdin" in text)
    console.until(lambda text: "── begun at update" in text and "␛" in text)
    console.press("q")
    assert console.finish() == 0
    console.assert_as_it_was()
    for sequence in (b"\x1b]0;gone", b"\xc2\x9b", "\u202e".encode()):
        assert sequence not in console.received
