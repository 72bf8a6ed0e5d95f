"""Updates in which nothing is looked at: their numbers are those that a program has itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from tests.engine.watching.test_program import records, run

LONG = """
import json, math
import torch
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
criterion = nn.CrossEntropyLoss(ignore_index={ignored})
text = torch.randint(0, 9, (4001,))
logged = []
for update in range(2400):
    place = update % 400 * 10
    optimizer.param_groups[0]["lr"] = 0.05 / (1 + update)
    optimizer.zero_grad()
    loss = criterion(model(text[place : place + 10]), text[place + 1 : place + 11])
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), {bound})
    optimizer.step()
    counted = int((text[place + 1 : place + 11] != {ignored}).sum())
    logged.append((loss.item(), counted, norm.item(), optimizer.param_groups[0]["lr"]))
    if update % 97 == 96:
        with torch.no_grad():
            criterion(model(text[:10]), text[1:11])
json.dump(logged, open("logged.json", "w"))
"""


def checked(folder: Path, points: list[Mapping[str, Any]], bound: float) -> None:
    """Compare the points of a journal with what the program has written down."""
    logged = json.loads((folder / "logged.json").read_text())
    ends = list(accumulate(each["updates"] for each in points))
    assert ends[-1] == len(logged)
    assert [each["update"] for each in points] == ends
    for point, end in zip(points, ends, strict=True):
        losses, _, norms, rates = zip(*logged[end - point["updates"] : end], strict=True)
        assert point["loss"] == pytest.approx(math.fsum(losses) / len(losses))
        assert point["grad_norm"] == pytest.approx(math.fsum(norms) / len(norms))
        assert point["grad_norm_max"] == pytest.approx(max(norms))
        assert point["clipped"] == pytest.approx(sum(norm > bound for norm in norms) / len(norms))
        assert point["lr"] == rates[-1]
        assert point["targets"] == sum(counts for _, counts, _, _ in logged[:end])


@pytest.mark.parametrize("ignored", [-100, 3])
def test_a_long_training_is_counted_to_the_last_update(tmp_path: Path, ignored: int) -> None:
    bound = 0.3
    done = run(tmp_path, LONG.format(ignored=ignored, bound=bound))
    assert (done.returncode, done.stderr) == (0, "")
    checked(tmp_path, records(tmp_path, "point"), bound)
    validations = [each["update"] for each in records(tmp_path, "validation")]
    assert validations == list(range(97, 2401, 97))
    assert {each["training"] for each in records(tmp_path, "point")} == {1}


TWO = """
import threading
import torch
from torch import nn

torch.manual_seed(0)
large, small = nn.Linear(8, 9), nn.Linear(8, 2)
optimizers = [torch.optim.Adam(each.parameters()) for each in (large, small)]

def train(model, optimizer):
    optimizer.zero_grad()
    model(torch.randn(4, 8)).square().mean().backward()
    optimizer.step()

for update in range(600):
    train(large, optimizers[0])
    if update >= 300 and update % 10 == 9:
        train(small, optimizers[1])
    if update == 400:
        other = threading.Thread(target=lambda: [train(large, optimizers[0]) for _ in range(50)])
        other.start()
        other.join()
"""


def test_another_optimiser_ends_a_rest_and_another_thread_is_not_counted(tmp_path: Path) -> None:
    done = run(tmp_path, TWO)
    assert (done.returncode, done.stderr) == (0, "")
    points = records(tmp_path, "point")
    updates = {number: [each for each in points if each["training"] == number] for number in (1, 2)}
    assert sum(each["updates"] for each in updates[1]) == updates[1][-1]["update"] == 600
    assert sum(each["updates"] for each in updates[2]) == updates[2][-1]["update"] == 30
