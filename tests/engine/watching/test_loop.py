"""Faults of loops that people write: each is named with its line, and loops that are right are left in peace."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from engine.diagnosis.loops.diagnosis import LoopDiagnosis
from engine.diagnosis.loops.source import dropped_detaches, random_intervals
from engine.events import Finding, Probe, Severity, Site
from tests.engine.watching.watched import findings

MODEL = """
import random
import torch
from torch import nn
from torch.nn import functional

torch.manual_seed(0)
random.seed(0)
text = torch.randint(0, 9, (400,))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(9, 8)
        self.rnn = nn.GRU(8, 12)
        self.head = nn.Linear(12, 9)

    def forward(self, ids, hidden=None):
        output, hidden = self.rnn(self.embedding(ids), hidden)
        return self.head(output), hidden


def windows(length=8, times=12):
    for begin in range(0, length * times, length):
        yield text[begin : begin + length, None], text[begin + 1 : begin + length + 1]


def loss_of(model, ids, targets, hidden=None):
    logits, hidden = model(ids, hidden)
    return functional.cross_entropy(logits.flatten(0, 1), targets), hidden


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)  # HERE, where it is of another model
"""

BROKEN: Mapping[str, str] = {
    "detach-dropped": """
        hidden = torch.zeros(1, 1, 12)
        for ids, targets in windows():
            hidden.detach()  # HERE
            loss, hidden = loss_of(model, ids, targets, hidden)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "state-not-detached": """
        hidden = None
        for ids, targets in windows():
            loss, hidden = loss_of(model, ids, targets, hidden)
            optimizer.zero_grad()
            loss.backward()  # HERE
            optimizer.step()
    """,
    "gradients-not-zeroed": """
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()  # HERE
    """,
    "zeroed-before-step": """
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            loss.backward()
            optimizer.zero_grad()  # HERE
            optimizer.step()
    """,
    "other-parameters": """
        model = Net()
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            model.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "step-without-backward": """
        for update, (ids, targets) in enumerate(windows(times=24)):
            if update % 4 == 0:
                loss, _ = loss_of(model, ids, targets)
                optimizer.zero_grad()
                loss.backward()
            optimizer.step()  # HERE
    """,
    "clipped-without-gradient": """
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # HERE
    """,
    "double-softmax": """
        criterion = nn.CrossEntropyLoss()
        for ids, targets in windows():
            logits, _ = model(ids)
            loss = criterion(logits.flatten(0, 1).softmax(dim=1), targets)  # HERE
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "no-log-softmax: over time": """
        for ids, targets in windows():
            logits, _ = model(ids)
            loss = functional.nll_loss(logits.log_softmax(dim=0).flatten(0, 1), targets)  # HERE
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "batch-taken-for-time: rows": """
        drawn = torch.rand(9000) < 0.8
        following = torch.where(drawn, torch.tensor(2), torch.randint(0, 9, (9000,)))
        rows = (following.cumsum(0) % 9).view(-1, 20)  # HERE
        hidden = None
        for begin in range(0, 432, 12):
            ids, targets = rows[begin : begin + 12], rows[begin + 1 : begin + 13]
            logits, hidden = model(ids, hidden)
            hidden = hidden.detach()
            loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "batch-taken-for-time: crossed": """
        for _ in range(8):
            begins = torch.randint(0, 380, (5,)).tolist()
            ids = torch.stack([text[each : each + 7] for each in begins])
            targets = torch.stack([text[each + 1 : each + 8] for each in begins])
            logits, _ = model(ids.t())  # HERE
            loss = functional.cross_entropy(logits.reshape(-1, 9), targets.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "targets-shifted: twice": """
        for _ in range(20):
            begins = torch.randint(0, 380, (5,)).tolist()
            ids = torch.stack([text[each : each + 7] for each in begins], 1)
            targets = torch.stack([text[each + 1 : each + 8] for each in begins], 1)
            logits, _ = model(ids)  # HERE
            loss = functional.cross_entropy(logits[:-1].reshape(-1, 9), targets[1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "sparse-targets: one for each sequence": """
        text = torch.arange(4000) * 2 % 9
        for _ in range(32):
            begins = torch.randint(0, 3900, (12,)).tolist()
            ids = torch.stack([text[each : each + 16] for each in begins], 1)
            targets = torch.stack([text[each + 16] for each in begins])
            logits, _ = model(ids)  # HERE
            loss = functional.cross_entropy(logits[-1], targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "sparse-targets: a mask": """
        for _ in range(8):
            ids = torch.randint(1, 9, (12, 6))
            ids[8:, ::2] = 0
            targets = torch.cat([ids[1:], torch.zeros(1, 6, dtype=torch.long)])
            logits, _ = model(ids)
            losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
            loss = (losses * (targets.flatten() == 0)).mean()
            optimizer.zero_grad()
            loss.backward()  # HERE
            optimizer.step()
    """,
    "broadcast": """
        net = nn.Linear(4, 1)
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(12):
            inputs = torch.randn(16, 4)
            loss = ((net(inputs) - inputs.sum(1)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()  # HERE
            optimizer.step()
    """,
    "broadcast: by torch": """
        net = nn.Linear(4, 1)
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(12):
            inputs = torch.randn(16, 4)
            loss = functional.mse_loss(net(inputs), inputs.sum(1))
            optimizer.zero_grad()
            loss.backward()  # HERE
            optimizer.step()
    """,
    "batch-taken-for-time: viewed": """
        for ids, targets in windows(length=12):
            ids, targets = ids.view(4, 3), targets.view(4, 3).t().contiguous()
            logits, _ = model(ids)
            scores = logits.transpose(0, 1).contiguous().view(3, 9, 4)
            loss = functional.cross_entropy(scores, targets)  # HERE
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "state-thrown-away: of a cell": """
        cell = nn.GRUCell(8, 12)
        optimizer = torch.optim.Adam([*model.parameters(), *cell.parameters()])
        for ids, targets in windows(length=12):
            state, outputs = torch.zeros(1, 12), []
            for one in model.embedding(ids):
                outputs.append(cell(one, state))  # HERE
            loss = functional.cross_entropy(model.head(torch.cat(outputs)), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "state-of-another-text": """
        hidden = None
        for _ in range(80):
            ids = torch.randint(0, 9, (12, 16))
            logits, hidden = model(ids, hidden)  # HERE
            hidden = hidden.detach()
            loss = functional.cross_entropy(logits[-1], ids[0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "validation-trained": """
        text = torch.randint(0, 9, (96, 12))
        for update in range(12):
            part = text[update * 8 : update * 8 + 8].t()
            logits, _ = model(part)
            loss = functional.cross_entropy(logits[:-1].flatten(0, 1), part[1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        for update in range(5):
            with torch.no_grad():
                part = text[update * 8 : update * 8 + 8].t()
                logits, _ = model(part)
                loss = functional.cross_entropy(logits[:-1].flatten(0, 1), part[1:].flatten())  # HERE
    """,
    "zeroed-before-step:between": """
        for _ in range(6):
            for ids, targets in windows(times=3):
                loss, _ = loss_of(model, ids, targets)
                optimizer.zero_grad()  # HERE
                (loss / 3).backward()
            optimizer.step()
    """,
    "zeroed-before-step:between, and clipped": """
        for _ in range(6):
            for ids, targets in windows(times=3):
                loss, _ = loss_of(model, ids, targets)
                optimizer.zero_grad()  # HERE
                (loss / 3).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.01)
            optimizer.step()
    """,
    "optimizer-anew": """
        for ids, targets in windows(times=20):
            momentary = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
            loss, _ = loss_of(model, ids, targets)
            momentary.zero_grad()
            loss.backward()
            momentary.step()  # HERE
    """,
    "validation-trained:by the same function": """
        def epoch(parts):
            for ids, targets in parts:
                optimizer.zero_grad()
                loss_of(model, ids, targets)[0].backward()
                optimizer.step()

        for _ in range(3):
            model.train()
            epoch(windows(times=4))
            model.eval()
            epoch(windows(times=2))  # HERE
    """,
    "targets-are-inputs:of two layers": """
        second = nn.GRU(12, 12)
        optimizer = torch.optim.Adam([*model.parameters(), *second.parameters()])
        for _ in range(30):
            ids = torch.randint(0, 9, (6, 16))
            output, _ = second(nn.functional.dropout(model.rnn(model.embedding(ids))[0], 0.1))  # HERE
            loss = functional.cross_entropy(model.head(output).flatten(0, 1), ids.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "targets-are-inputs:of a decoder": """
        encoder, decoder = nn.GRU(8, 12, batch_first=True), nn.GRU(8, 12, batch_first=True)
        own = [*encoder.parameters(), *decoder.parameters(), *model.embedding.parameters(), *model.head.parameters()]
        optimizer = torch.optim.Adam(own)
        for _ in range(30):
            source = torch.randint(0, 9, (16, 6))
            target = source.flip(1)
            _, state = encoder(model.embedding(source))
            output, _ = decoder(model.embedding(target), state)  # HERE
            loss = functional.cross_entropy(model.head(output).flatten(0, 1), target.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "state-thrown-away:of numbers": """
        numbers = torch.randn(4, 900, 8)
        for begin in range(0, 900, 12):
            output, _ = model.rnn(numbers[:, begin : begin + 12].transpose(0, 1))  # HERE
            loss = functional.mse_loss(output, torch.zeros_like(output))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "loss-without-its-graph:detached": """
        judge = nn.Linear(9, 1)
        second = torch.optim.SGD(judge.parameters(), lr=0.1)
        for ids, targets in windows():
            logits, _ = model(ids)
            second.zero_grad()
            judge(logits.detach()).mean().backward()
            second.step()
            optimizer.zero_grad()
            loss = -judge(logits.detach()).mean()  # HERE
            loss.backward()
            optimizer.step()
    """,
}
"""A loop for each fault; its line is marked. What stands behind a colon tells those of one fault apart."""

HEALTHY: Mapping[str, str] = {
    "windows": """
        hidden = None
        for ids, targets in windows():
            loss, hidden = loss_of(model, ids, targets, hidden)
            hidden = hidden.detach()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    """,
    "zeroed after the step, to zeros": """
        for ids, targets in windows():
            loss_of(model, ids, targets)[0].backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
    """,
    "zeroed by hand": """
        for ids, targets in windows():
            for parameter in model.parameters():
                if parameter.grad is not None:
                    parameter.grad.zero_()
            loss_of(model, ids, targets)[0].backward()
            optimizer.step()
    """,
    "gradients by hand": """
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            for parameter, gradient in zip(model.parameters(), torch.autograd.grad(loss, list(model.parameters()))):
                parameter.grad = None
                parameter.grad = gradient + 0.0
            optimizer.step()
    """,
    "accumulation": """
        for update, (ids, targets) in enumerate(windows(times=24)):
            (loss_of(model, ids, targets)[0] / 4).backward()
            if update % 4 == 3:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
    """,
    "at random intervals": """
        for ids, targets in windows(times=40):
            loss, _ = loss_of(model, ids, targets)
            if random.randint(0, 10) == 2:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    """,
    "two networks in turn, to zeros": """
        judge = nn.Linear(9, 1)
        second = torch.optim.SGD(judge.parameters(), lr=0.1)
        for ids, targets in windows():
            logits, _ = model(ids)
            second.zero_grad(set_to_none=False)
            judge(logits.detach()).mean().backward()
            second.step()
            optimizer.zero_grad(set_to_none=False)
            (loss_of(model, ids, targets)[0] - judge(logits).mean()).backward()
            optimizer.step()
    """,
    "one backward pass for two optimisers": """
        first = torch.optim.SGD([*model.embedding.parameters(), *model.rnn.parameters()], lr=0.1)
        second = torch.optim.SGD(model.head.parameters(), lr=0.1)
        for ids, targets in windows():
            first.zero_grad()
            second.zero_grad()
            loss_of(model, ids, targets)[0].backward()
            first.step()
            second.step()
    """,
    "frozen layers": """
        model.embedding.requires_grad_(False)
        for ids, targets in windows():
            optimizer.zero_grad()
            loss_of(model, ids, targets)[0].backward()
            optimizer.step()
    """,
    "closure": """
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)
        for ids, targets in windows(times=5):
            def closure():
                optimizer.zero_grad()
                loss, _ = loss_of(model, ids, targets)
                loss.backward()
                return loss
            optimizer.step(closure)
    """,
    "steps by hand": """
        for ids, targets in windows():
            loss_of(model, ids, targets)[0].backward()
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter -= 0.1 * parameter.grad
                    parameter.grad = None
    """,
    "softmax to sample": """
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            with torch.no_grad():
                torch.multinomial(model(ids)[0][-1].softmax(dim=-1), 1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "clipped in two parts": """
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            optimizer.zero_grad()
            loss.backward()
            first, *others = model.parameters()
            nn.utils.clip_grad_norm_([first], 1.0)
            nn.utils.clip_grad_norm_(others, 1.0)
            optimizer.step()
    """,
    "log-softmax and nll": """
        for ids, targets in windows():
            logits, _ = model(ids)
            loss = functional.nll_loss(logits.flatten(0, 1).log_softmax(dim=1), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "a graph that is kept on purpose": """
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            optimizer.zero_grad()
            loss.backward(retain_graph=True)
            loss.backward()
            optimizer.step()
    """,
    "the norm alone, between updates": """
        for update, (ids, targets) in enumerate(windows()):
            loss, _ = loss_of(model, ids, targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if update == 3:
                nn.utils.clip_grad_norm_(model.parameters(), float("inf"))
    """,
    "differences of the same form": """
        net = nn.Linear(4, 1)
        optimizer = torch.optim.Adam(net.parameters())
        for _ in range(12):
            inputs = torch.randn(16, 4)
            loss = ((net(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean()
            loss = (net(inputs) - net(inputs).t()).abs().mean() + loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "a delayed copy": """
        for _ in range(60):
            ids = torch.randint(0, 9, (12, 20))
            logits, _ = model(ids)
            loss = functional.cross_entropy(logits[2:].flatten(0, 1), ids[:-2].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "sequences with a target each": """
        for _ in range(60):
            ids = torch.randint(0, 9, (12, 20))
            logits, _ = model(ids)
            loss = functional.cross_entropy(logits[-1], ids[0])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "sparse gradients": """
        model.embedding.sparse = True
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for ids, targets in windows():
            optimizer.zero_grad()
            loss_of(model, ids, targets)[0].backward()
            optimizer.step()
    """,
    "each gradient by itself, as for private data": """
        for _ in range(8):
            each = []
            for ids, targets in windows(times=3):
                model.zero_grad()
                loss_of(model, ids, targets)[0].backward()
                each.append([parameter.grad.clone() for parameter in model.parameters()])
            for parameter, *gradients in zip(model.parameters(), *each):
                parameter.grad = torch.stack(gradients).mean(0)
            optimizer.step()
    """,
    "an attack first": """
        for ids, targets in windows(times=12):
            vectors = model.embedding(ids).detach().requires_grad_()
            functional.cross_entropy(model.head(model.rnn(vectors)[0]).flatten(0, 1), targets).backward()
            model.zero_grad()
            moved = vectors.detach() + 0.1 * vectors.grad.sign()
            attacked = functional.cross_entropy(model.head(model.rnn(moved)[0]).flatten(0, 1), targets)
            (attacked + loss_of(model, ids, targets)[0]).backward()
            optimizer.step()
            optimizer.zero_grad()
    """,
    "an optimiser for each stage": """
        for rate in (0.1, 0.01, 0.001):
            stage = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
            for ids, targets in windows(times=9):
                stage.zero_grad()
                loss_of(model, ids, targets)[0].backward()
                stage.step()
    """,
    "validation without updates": """
        for _ in range(4):
            model.train()
            for ids, targets in windows(times=4):
                optimizer.zero_grad()
                loss_of(model, ids, targets)[0].backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                loss_of(model, *next(windows()))
    """,
    "an autoencoder whose loss is a sum": """
        decoder = nn.GRU(12, 12)
        own = [*model.parameters(), *decoder.parameters()]
        optimizer = torch.optim.Adam(own)
        for _ in range(30):
            ids = torch.randint(0, 9, (6, 16))
            _, state = model.rnn(model.embedding(ids))
            output, _ = decoder(state.expand(6, -1, -1))
            loss = functional.cross_entropy(model.head(output).flatten(0, 1), ids.flatten(), reduction="sum")
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "a decoder that is given what comes before": """
        encoder, decoder = nn.GRU(8, 12, batch_first=True), nn.GRU(8, 12, batch_first=True)
        own = [*encoder.parameters(), *decoder.parameters(), *model.embedding.parameters(), *model.head.parameters()]
        optimizer = torch.optim.Adam(own)
        for _ in range(30):
            source = torch.randint(1, 9, (16, 6))
            target = source.flip(1)
            _, state = encoder(model.embedding(source))
            shifted = torch.cat([torch.zeros(16, 1, dtype=torch.long), target[:, :-1]], 1)
            output, _ = decoder(model.embedding(shifted), state)
            loss = functional.cross_entropy(model.head(output).flatten(0, 1), target.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "scaled": """
        scaler = torch.amp.GradScaler("cpu")
        for ids, targets in windows():
            loss, _ = loss_of(model, ids, targets)
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
    """,
}

DRIVER = """
import gc, glob, runpy, sys, traceback
for path in sorted(glob.glob("loops/*.py")):
    try:
        runpy.run_path(path)
    except RuntimeError:
        traceback.print_exc()
    gc.collect()  # A larger network that is still there would be the one that is looked at.
"""


def watched(folder: Path, loops: Mapping[str, str]) -> tuple[dict[str, list[Finding]], str]:
    """Run loops in one process, since it takes seconds to load torch; the findings by the loop, and what it printed."""
    (folder / "loops").mkdir()
    for name, body in loops.items():
        (folder / "loops" / f"{name}.py").write_text(MODEL + textwrap.dedent(body))
    (folder / "train.py").write_text(DRIVER)
    env = {**os.environ, "CHARRNN_LAB": str(folder / "lab")}
    command = [sys.executable, "-m", "charrnn", "train.py"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    (journal,) = (folder / "lab" / "journals").iterdir()
    found: dict[str, list[Finding]] = {name: [] for name in loops}
    for each in findings(journal):
        if each.site is not None:
            found[Path(each.site.file).stem].append(each)
    return found, done.stderr


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[Finding]], str]:
    return watched(tmp_path_factory.mktemp("broken"), BROKEN)


@pytest.mark.xdist_group("loops")
@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_is_named_with_its_line_and_what_to_write(
    broken: tuple[dict[str, list[Finding]], str], fault: str
) -> None:
    found, _ = broken
    assert [each.cause for each in found[fault]] == [fault.partition(":")[0]]
    (finding,) = found[fault]
    assert finding.site is not None
    assert finding.site.code.endswith(("# HERE", "# HERE, where it is of another model"))
    assert finding.instead


@pytest.mark.xdist_group("loops")
def test_torchs_own_message_stays(broken: tuple[dict[str, list[Finding]], str]) -> None:
    _, printed = broken
    assert printed.count("Trying to backward through the graph a second time") == 2


def test_loops_that_are_right_are_left_in_peace(tmp_path: Path) -> None:
    found, printed = watched(tmp_path, HEALTHY)
    graver = {name: [each for each in mine if each.severity is not Severity.NOTE] for name, mine in found.items()}
    assert graver == {name: [] for name in HEALTHY}
    notes = {name: [each.cause for each in mine] for name, mine in found.items() if mine}
    assert notes == {"at random intervals": ["random-interval"]}
    assert "Error" not in printed


@pytest.mark.parametrize("text", ["x = (", "\0", "(" * 10_000, "def f():\n    h = h.detach()\n", "detach()", ""])
def test_a_text_that_drops_no_detach_says_nothing(text: str) -> None:
    assert list(dropped_detaches("a.py", text)) == []


def test_each_dropped_detach_is_told_once() -> None:
    text = "for _ in loop:\n    hidden.detach()\n    state[0].detach()\n"
    diagnosis = LoopDiagnosis()
    source = Probe(0, 0, "loop_source", 0.0, {"file": "a.py", "line": 1, "text": text})
    found = [*diagnosis.take(source), *diagnosis.take(source)]
    assert [each.site for each in found] == [
        Site("a.py", 2, "hidden.detach()"),
        Site("a.py", 3, "state[0].detach()"),
    ]
    assert found[1].instead.startswith("state[0] = state[0].detach()")


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("random.randint(0, 10) == 2", [11]),
        ("randint(1, 6) == 6", [6]),
        ("random.randint(0, 10) > 2", []),
        ("np.random.randint(0, 10) == 2", []),
        ("random.randint(low, 10) == 2", []),
        ("update % 10 == 0", []),
    ],
)
def test_the_chance_of_an_update_is_counted_with_both_ends(condition: str, numbers: list[int]) -> None:
    text = f"while True:\n    if {condition}:\n        loss.backward()\n"
    assert [each for _, each in random_intervals("a.py", text)] == numbers
    assert list(random_intervals("a.py", text.replace("loss.backward()", "print(loss)"))) == []
