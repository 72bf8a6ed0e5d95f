"""Small texts and settings that all tests share."""

from __future__ import annotations

import atexit
import gc
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from engine.lab import Lab, Run
from engine.session.commands import Turn
from engine.settings import Settings, setting
from engine.windows import LengthLaw

# The same examples at every run, so that no change is blamed for what chance finds; to look for new ones:
# HYPOTHESIS_PROFILE=default make test
hypothesis.settings.register_profile("same", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


NOWHERE = tempfile.mkdtemp(prefix="charrnn-tests-")
atexit.register(shutil.rmtree, NOWHERE, ignore_errors=True)
# Here, too, for what is started before the first test.
os.environ["XDG_CONFIG_HOME"] = NOWHERE
# Whoever runs the tests is no newcomer, to whom the tour is offered.
os.environ["XDG_STATE_HOME"] = NOWHERE
(Path(NOWHERE) / "charrnn-tui").mkdir()
(Path(NOWHERE) / "charrnn-tui" / "welcomed").touch()
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def settings_folder(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a user who has no settings file yet, whatever the developer's own says."""
    folder = Path(NOWHERE) / str(next(_numbers))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    return folder


def pytest_collection_finish() -> None:
    """Look less often for garbage in circles: with Python's own thresholds it takes a quarter of the tests' time.

    Consoles leave much of it, and each look goes through whatever torch and the tests themselves consist of.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)


WORDS = "the quick brown fox jumps over the lazy dog; pack my box with five dozen liquor jugs. "


def small(**changes: Any) -> Settings:
    """Settings of a network that trains in milliseconds, in float32; nothing is left open that would be measured."""
    values: dict[str, Any] = {
        "hidden": 12,
        "embedding": 6,
        "streams": 3,
        "warmup": 5,
        "dtype": "float32",
        "threads": 1,
    }
    if isinstance(law := changes.get("bptt", "7"), str):
        changes["bptt"] = LengthLaw.parse(law)
    return Settings(**{**values, **changes})


def turn(knob: str, text: str) -> Turn:
    """The command that gives a knob a value, written as a user would type it."""
    return Turn(knob, setting(knob).read(text))


def new_run(lab: Lab, **given: Any) -> Run:
    """A run in which nothing has happened; `given` are arguments of `Runs.create`."""
    values: dict[str, Any] = {
        "name": None,
        "text": "a.txt",
        "digest": "",
        "settings": Settings().plain(),
        "compute": "cpu",
        "network": "lstm 1×256",
        "parameters": 1,
        "matrix_names": (),
    }
    return lab.runs.create(**{**values, **given})


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """SIGINT interrupts, here and in what is started here.

    Whatever a shell script or nohup starts in the background is born with SIGINT ignored, and so are its children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def words(folder: Path) -> Path:
    """A text of a few thousand characters in a folder."""
    path = folder / "words.txt"
    path.write_text("".join(f"{WORDS}{number}\n" for number in range(60)))
    return path


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text of some thousand characters."""
    return words(tmp_path)
