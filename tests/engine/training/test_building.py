"""Building the compiled loops beside a training, for later ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

pytestmark = pytest.mark.soak

BEGIN = """
from engine.training import building
assert not building.is_built()
building.build_beside()
print(building.FOLDER)
"""


def test_loops_are_built_after_the_process_that_asked_for_them_has_gone(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", BEGIN], env=env, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert tmp_path in folder.parents
    until(lambda: (folder / "built").exists())
    kept = {each.name.partition("-")[0] for each in folder.rglob("*.nbi")}
    assert {"kernel.train", "steps.lstm", "steps.lstm_back", "steps.gru", "steps.rnn_back"} <= kept
