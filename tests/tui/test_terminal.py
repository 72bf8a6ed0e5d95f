"""The bell of the terminal: on which stream it rings, and where it does not."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import pytest

from tui.terminal import ring

MESSAGE = "\a\x1b]9;The end of notes-1\x1b\\"


class Stream(io.StringIO):
    """A stream that is a terminal or not."""

    def __init__(self, *, terminal: bool, gone: bool = False) -> None:
        super().__init__()
        self._terminal, self._gone = terminal, gone

    def isatty(self) -> bool:
        return self._terminal

    def write(self, text: str) -> int:
        if self._gone:
            raise OSError(5, "Input/output error")
        return super().write(text)


Both = Callable[[Stream, Stream], tuple[str, str]]


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> Both:
    """Rings with these as standard output and error; returns what stands there then."""

    def call(out: Stream, error: Stream) -> tuple[str, str]:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", error)
            ring("The end of notes-1")
        return out.getvalue(), error.getvalue()

    return call


def test_it_rings_once_where_a_terminal_is(rung: Both) -> None:
    assert rung(Stream(terminal=True), Stream(terminal=True)) == ("", MESSAGE)
    assert rung(Stream(terminal=True), Stream(terminal=False)) == (MESSAGE, "")
    assert rung(Stream(terminal=False), Stream(terminal=False)) == ("", "")


def test_a_terminal_that_is_gone_stops_nothing(rung: Both) -> None:
    assert rung(Stream(terminal=True), Stream(terminal=True, gone=True)) == ("", "")
