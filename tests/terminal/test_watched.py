"""A loop of somebody's own, in a real terminal: what is seen of it, what is done to it, and who survives whom."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from charrnn.journal import FOLDER, is_held, records

from tests.terminal.test_real_terminal import Open, terminal  # noqa: F401 -- a fixture
from tests.waiting import until

pytestmark = pytest.mark.xdist_group("terminal")  # most are forked from one process

LOOP = """
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)
text = torch.randint(0, 9, (2000,)) // 2 * 2
embedding, rnn, head = nn.Embedding(9, 8), nn.GRU(8, 16), nn.Linear(16, 9)
optimizer = torch.optim.Adam([*embedding.parameters(), *rnn.parameters(), *head.parameters()], lr={rate})
update, state = 0, None
while True:
    place = update * 16 % 1900
    state = None if place == 0 or state is None else state.detach()
    output, state = rnn(embedding(text[place : place + 16, None]), state)
    loss = nn.functional.cross_entropy(head(output)[:, 0], text[place + 1 : place + 17])
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(rnn.parameters(), 1.0)
    optimizer.step()
    update += 1
    if update % 100 == 0:
        print("hers", update, flush=True)
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(LOOP.format(rate=0.01))
    return path


def journal_of(folder: Path) -> Path:
    until(lambda: any((folder / "charrnn-lab" / FOLDER).glob("*")))
    return next((folder / "charrnn-lab" / FOLDER).glob("*"))


def process_of(journal: Path) -> int:
    return int(next(records(journal).new())["process"])


def test_a_loop_is_seen_and_commanded_and_goes_on_when_the_console_is_left(
    terminal: Open,  # noqa: F811
    script: Path,
    tmp_path: Path,
) -> None:
    console = terminal("watch", script.name)
    console.until(lambda text: "▶ training" in text and "loss " in text and "gru 1×16" in text)
    console.until(lambda text: "hers" in text and "Output" in text)
    journal = journal_of(tmp_path)
    process = process_of(journal)
    try:
        console.press(" ")
        console.until(lambda text: "‖ paused" in text)
        console.press("l")
        console.until(lambda text: "lr 0.01 → 0.007 — applied" in text)
        console.press("s")
        console.until(lambda text: "saved update-" in text)
        console.press("u")
        console.until(lambda text: "back at update" in text and "lr 0.01 " in text)
        console.press("d")
        console.until(lambda text: "dropout is the program's own" in text)
        console.press(" ")
        console.until(lambda text: "▶ training" in text)
        console.press("q")
        assert console.finish() == 0
        console.assert_as_it_was()
        assert b"goes on as process" in console.received
        assert is_held(journal)

        again = terminal("attach", size=(80, 24))
        again.until(lambda text: "▶ training" in text and "loss " in text)
        os.kill(process, signal.SIGKILL)
        again.until(lambda text: "has ended" in text and "q leaves" in text)
        again.press("q")
        assert again.finish() == 0
    finally:
        if is_held(journal):
            os.kill(process, signal.SIGKILL)
    kinds = [each["record"] for each in records(journal).new()]
    assert {"change", "saved", "undo", "status"} <= set(kinds)


def test_a_console_that_is_killed_leaves_the_loop_training(
    terminal: Open,  # noqa: F811
    script: Path,
    tmp_path: Path,
) -> None:
    console = terminal("watch", script.name)
    console.until(lambda text: "▶ training" in text and "loss " in text)
    journal = journal_of(tmp_path)
    process = process_of(journal)
    try:
        console.press(" ")
        console.until(lambda text: "‖ paused" in text)
        console.process.kill()
        console.process.wait()
        # It was paused by a console that is gone, and goes on.
        reader, told = records(journal), [""]

        def goes_on() -> bool:
            told.extend(str(each["status"]) for each in reader.new() if each["record"] == "status")
            return told[-1] == "training"

        until(goes_on)
        assert told[1] == "paused"
        assert is_held(journal)
    finally:
        os.kill(process, signal.SIGKILL)
