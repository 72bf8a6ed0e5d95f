"""Programs that need not load torch and the console first, which takes seconds of each test that starts one.

One process has loaded them, and each program is forked from it. It is a process like any other: it has a session,
arguments, a folder, an environment and standard streams of its own, and it ends as Python ends.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path
from typing import IO

from tests.waiting import PATIENCE, until

SERVER = """
import sys
import torch, engine.session.loop, engine.session.opening, tui.command_line.cli, tui.console.app
from tests.warm_start import serve
exec(serve(int(sys.argv[1])))
"""
"""The code of a program is run where that of `python -c` would be, so that its end is that of the process."""


class WarmProcess:
    """A program that was forked; what of `subprocess.Popen` the tests need."""

    def __init__(self, warm: Warm, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._warm = warm

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._warm.ended(self.pid)
        return self.returncode

    def wait(self) -> int:
        until(lambda: self.poll() is not None, every=0.005)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Warm:
    """A process that has loaded everything, from which programs are forked.

    Its environment is a terminal's, since the console looks at it while it is loaded.
    """

    def __init__(self) -> None:
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
                start_new_session=True,
            )

    def start(
        self, code: str, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[int]
    ) -> WarmProcess:
        """Run code as `python -c` would; the streams are standard input, output and error."""
        self._pipe.send(((code, list(arguments), str(folder), dict(environment)), 0))
        for stream in streams:
            send_handle(self._pipe, stream, self._process.pid)
        return WarmProcess(self, self._told())

    def piped(self, code: str, arguments: Sequence[str], folder: Path) -> tuple[WarmProcess, IO[str], IO[str]]:
        """Run code without any input; returns its process, standard output and standard error, to be read in turn."""
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        process = self.start(code, arguments, folder, os.environ, [nothing, out_end, err_end])
        for each in (nothing, out_end, err_end):
            os.close(each)
        return process, os.fdopen(out), os.fdopen(err)

    def ended(self, pid: int) -> int | None:
        """The exit code of a program that has ended, as `subprocess` gives it."""
        self._pipe.send((None, pid))
        return None if (code := self._told()) == RUNS else code

    def close(self) -> None:
        self._pipe.close()
        self._process.wait(PATIENCE)

    def _told(self) -> int:
        assert self._pipe.poll(PATIENCE), "the process that programs are forked from says nothing"
        told: int = self._pipe.recv()
        return told


RUNS = 1_000
"""Stands for the exit code of a program that has not ended."""


def serve(handle: int) -> str:
    """Fork programs until nobody can ask for one any more; returns in each of them, with the code to run."""
    pipe = Connection(handle)
    children: set[int] = set()
    with suppress(EOFError):
        while True:
            task, pid = pipe.recv()
            if task is None:
                found, status = os.waitpid(pid, os.WNOHANG)
                children -= {found}
                pipe.send(os.waitstatus_to_exitcode(status) if found else RUNS)
                continue
            streams = [recv_handle(pipe) for _ in range(3)]
            if not (child := os.fork()):
                pipe.close()
                return _begin(streams, *task)
            children.add(child)
            for stream in streams:
                os.close(stream)
            pipe.send(child)
    for child in children:
        os.kill(child, signal.SIGKILL)
    return ""


def _begin(streams: Sequence[int], code: str, arguments: list[str], folder: str, environment: dict[str, str]) -> str:
    """Make a forked process what a new one is."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    with suppress(OSError):  # It is a terminal or it is none.
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", errors="backslashreplace", closefd=False)  # type: ignore[misc]
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    return code
