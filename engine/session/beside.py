"""Measures, beside a program's own training, how much faster ours trains the same network."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Self

from engine.settings import Settings

MODULE = "engine.bench.beside"
"""The module that measures."""

AFTER_SECONDS = 20.0
"""Seconds of training before it is measured: many programs are stopped sooner."""


class Beside:
    """One measurement, in a process of the lowest priority, which ends with this.

    The training beside it has the processor first, and both sides of the measurement run in turn, so that whatever else
    runs slows both.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    @property
    def begun(self) -> bool:
        """Whether it was begun."""
        return self._process is not None

    def begin(self, settings: Settings, entries: int) -> None:
        """Begin to measure a network of so many entries."""
        command = [sys.executable, "-m", MODULE, json.dumps(settings.plain()), str(entries)]
        nowhere = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=nowhere, stdout=subprocess.PIPE, stderr=nowhere, text=True)

    def ratio(self) -> float | None:
        """Our rate over that of the usual loop, once, when it was measured; None before, after, and if it failed."""
        process = self._process
        if process is None or process.stdout is None or process.stdout.closed or process.poll() is None:
            return None
        with process.stdout as said:
            text = said.read()
        return float(text) if process.returncode == 0 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()
