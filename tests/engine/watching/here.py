"""Watching the tests' own process, where commands are taken after every update."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import charrnn
import pytest
from charrnn.journal import records, send


@dataclass(frozen=True, slots=True)
class Here:
    """This process, as it is watched.

    Attributes:
        journal: the folder of its journal.
    """

    journal: Path

    def ask(self, command: str, **values: object) -> None:
        """Send a command, as a console does; it is carried out after the next update."""
        send(self.journal, command, **values)

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """The records of a kind so far."""
        return [each for each in records(self.journal).new() if each["record"] == kind]

    def replies(self) -> list[tuple[str, bool]]:
        """The replies so far: the text, and whether it was refused."""
        return [(each["text"], each["failed"]) for each in self.told("reply")]


@contextmanager
def watching(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    """Watch this process in a lab in a folder; fails where something of the watching does."""
    monkeypatch.setattr("charrnn.control.POLL_SECONDS", 0.0)
    with charrnn.watch(name="here", lab=folder / "lab") as watch:
        assert watch.journal is not None, watch.trouble
        yield Here(watch.journal)
        assert watch.trouble == ""
