"""The command line, called in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tui.command_line.cli import _main

Run = Callable[..., tuple[int, str, str]]
"""Calls the command line with arguments; returns its exit code, standard output and standard error."""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        capfd.readouterr()
        code = _main(list(arguments))
        sys.stdout.flush()
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call
