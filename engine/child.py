"""Another process that does one thing, and somebody who waits for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence


def run(command: Sequence[str], waiting: Callable[[], None]) -> tuple[int, str]:
    """The exit code of a command, and what it wrote to its standard error.

    `waiting` is called several times a second; when it raises, the command is ended at once.
    """
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=nowhere, stdout=nowhere, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        try:
            while True:
                waiting()
                try:
                    _, said = process.communicate(timeout=0.2)
                except subprocess.TimeoutExpired:
                    continue
                return process.returncode, said
        except BaseException:
            process.kill()
            raise
