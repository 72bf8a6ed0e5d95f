"""Runs a command in another process and waits for it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence


def run(command: Sequence[str], waiting: Callable[[], None]) -> tuple[int, str]:
    """Run a command; return its exit code and the text that it wrote to standard error.

    `waiting` is called several times a second. When it raises, the command is killed at once.
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
