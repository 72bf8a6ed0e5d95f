"""The journal of a watched program: a file that is only ever appended to, so that a crash leaves it readable.

A journal is a folder of its own in a lab, which nobody else on the machine can open. Its `records.jsonl`, which the
program writes, has a JSON object per line, and every object has a `record`, its kind. Its `commands.jsonl`, which
consoles write, has a `command` in each.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

FOLDER, RECORDS, COMMANDS, OUTPUT = "journals", "records.jsonl", "commands.jsonl", "output.txt"
"""The folder of all journals in a lab, and the files of each; `OUTPUT` has what a program printed in a console."""

VERSION = 2
"""The version of the format. It is raised where an older reader would take a record for something else."""

LONGEST_LINE = 1 << 20
"""The most bytes of a line. A longer one was written by something else."""


class Writer:
    """Appends records to a new journal, each at once and whole, and holds it for as long as the process lives.

    It belongs to the process that made it: after a fork, the child's copy writes nothing. Where the disk refuses a
    record, nothing more is written, so that the program that is watched goes on as if nobody did.

    Attributes:
        folder: the journal's folder.
        trouble: why nothing more is written; empty while all is well.
    """

    def __init__(self, folder: Path) -> None:
        """Begin the journal in a folder that `new_folder` made; raises OSError where that is impossible."""
        self.trouble = ""
        self.folder = folder
        self._process = os.getpid()
        # Whoever finds the records can send commands.
        os.close(os.open(self.folder / COMMANDS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))
        self._file = os.open(self.folder / RECORDS, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        if sys.platform != "win32":
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def write(self, record: str, **values: object) -> None:
        """Append one record. Numbers that JSON lacks are written as null."""
        if self.trouble or os.getpid() != self._process:
            return
        try:
            _append(self._file, {"record": record, **values})
        except OSError as error:
            self.trouble = f"the journal {self.folder} could not be written: {error.strerror}"

    def close(self) -> None:
        """Close the file; it can be called again."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self.trouble = self.trouble or "closed"


class Reader:
    """Reads one of a journal's files as it grows.

    Args:
        path: the file.
        key: what every object in it has.

    Attributes:
        place: the bytes that were read, up to the end of a line.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.place = 0
        self._path, self._key = path, key
        self._name = os.fspath(path)
        self._rest = b""

    def has_new(self) -> bool:
        """Whether anything was appended since the last call of `new`; raises OSError where the file cannot be read."""
        return os.stat(self._name).st_size != self.place + len(self._rest)  # noqa: PTH116 -- asked twenty times a second

    def new(self) -> Iterator[Mapping[str, Any]]:
        """The objects that were appended since the last call. A line that is none is skipped.

        Raises OSError where the file cannot be read.
        """
        if not self.has_new():
            return
        with self._path.open("rb") as file:
            file.seek(self.place + len(self._rest))
            *lines, self._rest = (self._rest + file.read()).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            self.place += len(self._rest)
            self._rest = b""
        for line in lines:
            self.place += len(line) + 1
            if (found := _object(line, self._key)) is not None:
                yield found


def records(folder: Path) -> Reader:
    """Reads the records of a journal."""
    return Reader(folder / RECORDS, "record")


def commands(folder: Path) -> Reader:
    """Reads the commands to the program of a journal."""
    return Reader(folder / COMMANDS, "command")


def send(folder: Path, command: str, **values: object) -> None:
    """Append a command to a journal; raises OSError where that is impossible."""
    file = os.open(folder / COMMANDS, os.O_WRONLY | os.O_APPEND)
    try:
        _append(file, {"command": command, **values})
    finally:
        os.close(file)


def is_held(folder: Path) -> bool:
    """Whether the process that writes a journal lives."""
    if sys.platform == "win32":
        return not any(each["record"] == "end" for each in records(folder).new())
    try:
        with (folder / RECORDS).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def is_alive(process: int) -> bool:
    """Whether a process of this number runs on this machine."""
    if process <= 0 or sys.platform == "win32":  # There the signal 0 would end it.
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _append(file: int, values: Mapping[str, Any]) -> None:
    """Append a line in one call: a process that is killed leaves whole lines, and at most a part of the last."""
    try:
        text = json.dumps(values, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):  # As seldom as a number that is not finite: `_plain` takes longer than all else.
        text = json.dumps(_plain(values), separators=(",", ":"))
    os.write(file, f"{text}\n".encode())


def _object(line: bytes, key: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get(key), str) else None


def new_folder(lab: Path, name: str) -> Path:
    """Make the folder of a new journal, which only its owner can open; raises OSError where that is impossible.

    Its name is the time and the program's name, so that journals sort by their beginning.
    """
    journals = lab / FOLDER
    journals.mkdir(parents=True, exist_ok=True)
    begun = time.strftime("%Y%m%d-%H%M%S")
    safe = "".join(each if each.isalnum() else "-" for each in name)[:40].strip("-") or "program"
    for number in range(1, 1000):
        folder = journals / (f"{begun}-{safe}" if number == 1 else f"{begun}-{safe}-{number}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{journals} has a thousand journals of this second")


def _plain(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else math.copysign(1e300, value)
    return value
