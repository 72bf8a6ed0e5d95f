"""Building the compiled loops beside a training, for later ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.soak

BEGIN = """
from engine.training import building
assert not building.is_built()
building.build_beside()
print(building.FOLDER)
"""

PASSES = """
import torch
from dataclasses import replace
from engine.windows import ALL, LAST
from engine.network.model import CELLS, CharRNN
from engine.settings import Settings
from engine.training.compiled.blas import MULTIPLIES_BFLOAT16
from engine.training.many_streams import ManyStreams
from engine.training.window import Window
for dtype in (torch.float32, *((torch.bfloat16,) if MULTIPLIES_BFLOAT16 else ())):
    for cell in CELLS:
        for hidden, vocabulary in ((7, 10), (8, 11), (8, 10), (7, 11)):
            settings = Settings(cell=cell, hidden=hidden, embedding=3, streams=5, layers=2)
            network, ids = CharRNN(settings, vocabulary), torch.zeros(4, 5, dtype=torch.int64)
            ways, masks = ManyStreams(network, dtype, 3), network.masks(4, 5, 0.5, torch.Generator())
            for targets, dropped in ((LAST, ()), (ALL, masks)):
                window = Window(ids, ids, network.zero_state(5), dropped)
                for passes in ways.begin(window, (0, 1, 3, 5), replace(settings, targets=targets)):
                    passes()
                ways.finish()
"""


def test_loops_are_built_after_the_process_that_asked_for_them_has_gone(tmp_path: Path) -> None:
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", BEGIN], env=env, capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert tmp_path in folder.parents
    # It takes two minutes of a slow processor, of which other tests have their share.
    until(lambda: (folder / "built").exists(), patience=10 * PATIENCE)
    kept = {each.name.partition("-")[0] for each in folder.rglob("*.nbi")}
    assert {"kernel.train", "steps.lstm", "steps.lstm_back", "steps.gru", "steps.rnn_back"} <= kept
    code = sorted(folder.rglob("*.nbc"))
    subprocess.run([sys.executable, "-c", PASSES], env=env, check=True)
    assert sorted(folder.rglob("*.nbc")) == code, "something was compiled after the build"
