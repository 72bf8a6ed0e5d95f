"""The cost of the console: the same run with and without it, each in its own process."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.lab import Lab
from tui.words.shell_commands import COMMAND

if TYPE_CHECKING:
    from engine.bench import Comparison

SECONDS = 10.0
ROUNDS = 3
TARGET = 0.98
ROWS, COLUMNS = 40, 120
FINISHED = b"finished"
"""The word that the screen shows once the budget is used up."""

CASES: dict[str, Sequence[str]] = {
    "the standard rule": (),
    "lstm 1×128, one character at a time": ("--preset", "online", "--hidden", "128"),
}


def compare_consoles(text: str, seconds: float = SECONDS, rounds: int = ROUNDS) -> Iterator[Comparison]:
    """Compare the console with `train` by the speed of training, in characters per second.

    Needs pseudo-terminals, which Windows lacks.

    Args:
        text: the text to train on.
        seconds: the length of each training.
        rounds: the number of trainings of each side, in turn.
    """
    from engine.bench import compare

    with tempfile.TemporaryDirectory() as folder:
        for number, (name, options) in enumerate(CASES.items()):
            lab = Path(folder) / str(number)
            arguments = [text, *options, "--seconds", str(seconds), "--lab", str(lab)]

            def runs(run: Callable[[Sequence[str]], None], arguments: Sequence[str], lab: Path) -> Callable[[], float]:
                return lambda: _rate(run, arguments, lab)

            yield compare(
                f"console, {name}",
                runs(_in_a_terminal, arguments, lab),
                runs(_without, ["train", *arguments], lab),
                target=TARGET,
                against="train, without the console",
                rounds=rounds,
            )


def _rate(run: Callable[[Sequence[str]], None], arguments: Sequence[str], lab: Path) -> float:
    run(arguments)
    with Lab.open_existing(lab) as found:
        last = found.runs.standalone()[-1]
    return last.chars / last.seconds


def _without(arguments: Sequence[str]) -> None:
    subprocess.run([*COMMAND, *arguments, "--json"], stdout=subprocess.DEVNULL, check=True)


def _in_a_terminal(arguments: Sequence[str]) -> None:
    """Run the console in a pseudo-terminal to the end of its budget, and read everything that it draws."""
    # Imported here: Windows lacks these modules, and everything else in this file works there.
    import fcntl
    import pty
    import struct
    import termios

    handle, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    with subprocess.Popen(
        [*COMMAND, *arguments], stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    ) as process:
        os.close(terminal)
        seen, asked = b"", False
        while part := _read(handle):
            seen = seen[-len(FINISHED) :] + part
            if FINISHED in seen and not asked:
                os.write(handle, b"q")
                asked = True
    os.close(handle)
    if process.returncode:
        raise OSError(f"the console ended with exit code {process.returncode}")


def _read(handle: int) -> bytes:
    try:
        return os.read(handle, 65_536)
    except OSError:  # the other side is closed
        return b""
