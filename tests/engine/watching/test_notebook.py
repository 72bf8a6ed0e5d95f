"""A notebook in a real kernel: cells that run again, a new optimiser, and an interrupt while the training is paused."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import nbformat
import pytest
from charrnn.journal import FOLDER, records, send
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from engine.recording.journal import WatchedRun
from tests.waiting import PATIENCE, until

BEGIN = """
import torch, charrnn
from torch import nn
torch.set_num_threads(1)
charrnn.watch()
"""
MODEL = """
model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
def train(updates):
    for update in range(updates):
        x = torch.randint(0, 9, (64,))
        loss = nn.functional.cross_entropy(model(x), (x + 1) % 9)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


@pytest.fixture
def _kernels_are_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")


@pytest.mark.usefixtures("_kernels_are_quiet")
def test_cells_are_followed_and_an_interrupt_ends_a_pause(tmp_path: Path) -> None:
    cells = [BEGIN, MODEL, "train(10**9)", "optimizer = torch.optim.SGD(model.parameters(), lr=0.5)\ntrain(30)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, timeout=int(PATIENCE), resources={"metadata": {"path": str(tmp_path)}})
    with client.setup_kernel():
        for place, cell in enumerate(notebook.cells[:2]):
            client.execute_cell(cell, place)
        assert "charrnn-tui attach" in notebook.cells[0].outputs[0]["data"]["text/plain"]
        (folder,) = (tmp_path / "charrnn-lab" / FOLDER).iterdir()
        assert folder.name.endswith("-notebook")
        run = WatchedRun(folder)

        def seen(condition: str) -> bool:
            list(run.new())
            return bool({"trains": run.last.update > 5, "pauses": run.paused, "goes on": not run.paused}[condition])

        def interrupt() -> None:
            until(lambda: seen("trains"))
            send(folder, "pause", ticket="a", process=os.getpid())
            until(lambda: seen("pauses"))
            os.kill(run.process, signal.SIGINT)  # As the button of a notebook does it.

        watching = threading.Thread(target=interrupt)
        watching.start()
        with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
            client.execute_cell(notebook.cells[2], 2)
        watching.join()
        before = run.last.update
        client.execute_cell(notebook.cells[3], 3)
        list(run.new())
    assert not run.paused
    assert run.last.update > before
    kinds = [each for each in records(folder).new() if each["record"] == "training"]
    assert [each["optimizer"] for each in kinds] == ["Adam", "SGD"]
