"""The states that an autopsy begins at."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.autopsy.case import find_starts
from engine.autopsy.trouble import Trouble
from engine.checkpoints.ring import FOLDER
from engine.errors import UserError
from engine.lab import Lab, Run
from tests.conftest import new_run


@pytest.fixture
def fork(tmp_path: Path) -> Run:
    with Lab.open(tmp_path / "lab") as lab:
        return new_run(lab, parent=("other", 401))


def kept(folder: Path, *updates: int) -> Path:
    """A folder of checkpoints with states of these updates."""
    (folder / FOLDER).mkdir()
    for update in updates:
        (folder / FOLDER / f"update-{update}-change-0.safetensors").touch()
    return folder


def trouble(since: int) -> Trouble:
    return Trouble(since, since + 40, 9_000, 0.3, "")


@pytest.mark.parametrize("since", [401, 396, 391])
def test_a_fork_that_climbs_at_once_begins_at_its_first_state(fork: Run, tmp_path: Path, since: int) -> None:
    # The beginning of a climb is placed a little too early where its first losses are no higher than some before.
    starts = find_starts(fork, trouble(since), kept(tmp_path, 401, 796))
    assert [start.update for start in starts] == [401, 796]


def test_a_fork_whose_past_had_climbed_has_no_state_from_before(fork: Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no state of .* from before update 350 is kept"):
        find_starts(fork, trouble(350), kept(tmp_path, 401, 796))
