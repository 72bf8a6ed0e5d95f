"""Losses without gradient: sets of data are told apart, and each is placed at the update that it belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch  # noqa: F401 -- what is watched: without it there is no journal

from engine.events import Note, NoteKind, Validation
from engine.recording.journal import WatchedRun
from tests.engine.watching.here import watching

SETUP = """
import torch
from torch import nn
from torch.nn import functional
torch.manual_seed(0)
model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
data = torch.randint(0, 9, (1001,))
parts = {"train": data[:800], "val": data[800:900], "test": data[900:]}

def loss_of(part):
    return functional.cross_entropy(model(part[:-1]), part[1:])

def update(part):
    optimizer.zero_grad()
    loss_of(part).backward()
    optimizer.step()

@torch.no_grad()
def evaluate(part):
    return loss_of(part).item()

@torch.no_grad()
def estimate_loss(split, batches=3):
    total = 0
    for _ in range(batches):
        begin = int(torch.randint(0, 50, (1,)))
        total += loss_of(parts[split][begin : begin + 40]).item()
    return total / batches

found = []
"""


def told(folder: Path, monkeypatch: pytest.MonkeyPatch, loop: str) -> tuple[list[tuple[int, float]], list[str], object]:
    """The validation losses with their updates, the notes, and the `found` of a program."""
    script = folder / "train.py"
    script.write_text(SETUP + loop)
    names: dict[str, list[tuple[int, float]]] = {}
    with watching(folder, monkeypatch) as here:
        exec(compile(script.read_text(), str(script), "exec"), names)
    events = list(WatchedRun(here.journal).new())
    losses = [(each.update, each.loss) for each in events if isinstance(each, Validation)]
    return (
        losses,
        [each.text for each in events if isinstance(each, Note) and each.kind is NoteKind.OTHER],
        names["found"],
    )


EVERY = """
for step in range(1, 301):
    update(data[step : step + 20])
    if step % 100 == 0:
"""

LOOPS = {
    "two lines say what they evaluate": EVERY
    + """
        train_loss = evaluate(parts["train"])
        val_loss = evaluate(parts["val"])
        found.append((step, val_loss))
""",
    "a variable has the word": EVERY
    + """
        losses = {split: estimate_loss(split) for split in ("train", "val")}
        found.append((step, losses["val"]))
""",
    "another set at the end": EVERY
    + """
        loss = evaluate(data[800:900])
        found.append((step, loss))
print(evaluate(data[900:]))
""",
    "training data is known by its memory": EVERY
    + """
        with torch.no_grad():
            a = functional.cross_entropy(model(data[:799]), data[1:800]).item()
            b = functional.cross_entropy(model(data[800:900]), data[801:901]).item()
        found.append((step, b))
""",
    "the last batch is a small one": EVERY
    + """
        total = 0
        for begin in range(800, 899, 30):
            part = data[begin : min(begin + 31, 900)]
            total += evaluate(part) * (len(part) - 1)
        found.append((step, total / 99))
""",
    "the same data is one set": """
before = evaluate(data[800:900])
found.append((0, before))
"""
    + EVERY
    + """
        loss = evaluate(data[800:900])
        found.append((step, loss))
""",
}


@pytest.mark.parametrize("loop", LOOPS.values(), ids=LOOPS)
def test_the_validation_is_one_set_and_stands_at_its_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    losses, _, found = told(tmp_path, monkeypatch, loop)
    assert losses == [(update, pytest.approx(loss)) for update, loss in found]  # type: ignore[attr-defined]


def test_of_sets_that_cannot_be_told_apart_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = """
for step in range(1, 31):
    update(data[step:step + 20])
    if step % 10 == 0:
        one, other = evaluate(data[800:850]), evaluate(data[900:990])
"""
    losses, notes, _ = told(tmp_path, monkeypatch, loop)
    assert losses == []
    assert len([each for each in notes if "none is taken for the validation" in each]) == 1


def test_a_training_set_that_is_evaluated_alone_is_no_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = """
for step in range(1, 301):
    update(data[step:step + 20])
    if step % 100 == 0:
        found.append(evaluate(data[:400]))
"""
    assert told(tmp_path, monkeypatch, loop)[0] == []


def test_another_training_has_a_validation_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = """
for step in range(1, 4):
    update(data[step:step + 20])
one = evaluate(data[800:900])
found.append((3, one))
model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 9))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for step in range(1, 4):
    update(data[step:step + 20])
other = evaluate(data[900:])
found.append((6, other))
"""
    losses, _, found = told(tmp_path, monkeypatch, loop)
    assert losses == [(update, pytest.approx(loss)) for update, loss in found]  # type: ignore[attr-defined]


def test_the_parts_of_one_loss_are_one_validation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = """
for step in range(1, 4):
    update(data[step:step + 20])
    with torch.no_grad():
        total = 0
        for begin in (800, 840, 880):
            scores = model(data[begin:begin + 30])
            total += functional.cross_entropy(scores, data[begin + 1:begin + 31]).item() / 6
            total += functional.mse_loss(scores.mean(1), torch.zeros(30)).item() / 6
    found.append((step, total))
"""
    losses, _, found = told(tmp_path, monkeypatch, loop)
    assert losses == [(update, pytest.approx(loss)) for update, loss in found]  # type: ignore[attr-defined]


def test_a_validation_after_updates_by_hand_stands_behind_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = """
for step in range(1, 21):
    model.zero_grad()
    loss_of(data[step:step + 20]).backward()
    with torch.no_grad():
        for each in model.parameters():
            each -= 0.1 * each.grad
    if step % 10 == 0:
        loss = evaluate(data[800:900])
        found.append((step, loss))
"""
    losses, _, found = told(tmp_path, monkeypatch, loop)
    assert losses == [(update, pytest.approx(loss)) for update, loss in found]  # type: ignore[attr-defined]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_a_sum_over_classes_is_told_per_target_that_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reduction: str
) -> None:
    """As of a library that adds up micro-batches, and divides by the targets of them all."""
    loop = f"""
for step in range(1, 4):
    optimizer.zero_grad()
    for begin in (0, 100):
        targets = data[begin + 1:begin + 101].clone()
        targets[::2] = -100
        loss = functional.cross_entropy(model(data[begin:begin + 100]), targets, reduction={reduction!r})
        (loss / {100 if reduction == "sum" else 2}).backward()
    optimizer.step()
    with torch.no_grad():
        targets = data[801:901].clone()
        targets[::2] = -100
        mean = functional.cross_entropy(model(data[800:900]), targets)
        found.append(mean.item())
"""
    with watching(tmp_path, monkeypatch) as here:
        exec(SETUP + loop, {})
    points, validations = here.told("point"), here.told("validation")
    assert points[0]["loss"] == pytest.approx(2.2, abs=0.4)
    assert points[-1]["targets"] == 3 * 100
    assert validations[0]["sets"][0]["targets"] == 50


@pytest.mark.parametrize(("by", "parts"), [("/ 2", 1), ("* 0.5", 1), ("", 2)])
def test_a_loss_that_is_divided_by_the_passes_of_an_update_is_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str, parts: int
) -> None:
    loop = f"""
with torch.no_grad():
    model[1].weight.zero_(); model[1].bias.zero_()
for step in range(1, 4):
    optimizer.zero_grad()
    for _ in range(2):
        (torch.logsumexp(model(data[:20]), 1).mean() {by}).backward()
    optimizer.step()
"""
    with watching(tmp_path, monkeypatch) as here:
        exec(SETUP + loop, {})
    assert here.told("point")[0]["loss"] == pytest.approx(2.197, abs=1e-3)
    assert parts


@pytest.mark.parametrize("clips", [False, True])
def test_a_gradient_that_is_computed_within_the_step_has_its_norm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clips: bool
) -> None:
    loop = f"""
for step in range(1, 3):
    def closure():
        optimizer.zero_grad()
        loss = loss_of(data[:50])
        loss.backward()
        if {clips}:
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
        return loss
    optimizer.zero_grad()
    loss_of(data[:50]).backward()
    found.append(torch.cat([each.grad.flatten() for each in model.parameters()]).norm().item())
    optimizer.zero_grad()
    optimizer.step(closure)
"""
    names: dict[str, list[float]] = {}
    with watching(tmp_path, monkeypatch) as here:
        exec(SETUP + loop, names)
    first = here.told("point")[0]
    assert first["grad_norm"] == pytest.approx(names["found"][0])
    assert first["clipped"] == float(clips)
