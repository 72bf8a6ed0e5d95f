"""Faults that a program's text shows: each is found with its line, and what only looks like it is not."""

from __future__ import annotations

import textwrap

import pytest

from engine.diagnosis.loops import source, statements
from engine.diagnosis.loops.fault import Fault
from engine.events import Cause, Site

FAULTY = [
    (
        Cause.RANDOM_INTERVAL,
        """
        for step in range(100):
            if random.randint(0, 9) > 0.9:  # HERE
                continue
            loss.backward()
        """,
    ),
    (
        Cause.RANDOM_INTERVAL,
        """
        KEPT = 3
        for step in range(100):
            if random.randint(0, 9) < KEPT:  # HERE
                optimizer.step()
        """,
    ),
    (
        Cause.WEIGHTS_NOT_COPIED,
        """
        for epoch in range(9):
            if loss < best:
                best, weights = loss, None
                weights = model.state_dict()  # HERE
        model.load_state_dict(weights)
        """,
    ),
    (
        Cause.VALIDATION_TRAINED,
        """
        train, valid = random_split(data, [80, 20])
        batches = DataLoader(data, batch_size=4)  # HERE
        others = DataLoader(valid, batch_size=4)
        """,
    ),
    (
        Cause.VALIDATION_TRAINED,
        """
        train, valid = data[:n], data[n:]
        for at in range(0, len(data), 8):  # HERE
            learn(data[at : at + 8])
        check(valid)
        """,
    ),
    (
        Cause.STEP_NEVER_CALLED,
        """
        with torch.no_grad():
            for p, v in zip(weights, speeds):
                v.mul_(0.9).add_(p.grad)
                p = p - 0.1 * v  # HERE
        """,
    ),
    (
        Cause.LAYER_REPEATED,
        """
        class Net(nn.Module):
            pass
        nets = [Net()] * 5  # HERE
        """,
    ),
    (
        Cause.LOSSES_KEPT,
        """
        for batch in batches:
            loss = criterion(model(batch), targets)
            loss.backward()
            losses.append(loss)  # HERE
        """,
    ),
    (
        Cause.LOSSES_KEPT,
        """
        for batch in batches:
            loss = mse(batch, targets)
            loss.backward()
            curve.append(mse(others, targets))  # HERE
        """,
    ),
    (
        Cause.RATE_GONE,
        """
        schedule = ReduceLROnPlateau(optimizer, factor=0.5)
        for epoch in range(9):
            schedule.step(val_acc)  # HERE
        """,
    ),
    (
        Cause.RATE_GONE,
        """
        schedule = ReduceLROnPlateau(optimizer, "max")
        schedule.step(losses["val_loss"])  # HERE
        """,
    ),
    (
        Cause.BPTT_TOO_SHORT,
        """
        class Net(nn.Module):
            def forward(self, x):
                h = torch.zeros(len(x), 8)
                for t in range(x.shape[1]):
                    h = self.cell(x[:, t], h.detach())  # HERE
                return h
        """,
    ),
    (
        Cause.BPTT_TOO_SHORT,
        """
        class Net(nn.Module):
            def forward(self, x, h):
                for step in x.unbind(1):
                    h = self.cell(step, h)
                    h = h.detach()  # HERE
                return h
        """,
    ),
    (Cause.LAYER_REPEATED, "layers = nn.ModuleList([nn.Linear(4, 4)] * 3)  # HERE"),
]

RIGHT = [
    """
    schedule = ReduceLROnPlateau(optimizer, mode="max")
    schedule.step(val_acc)
    other = ReduceLROnPlateau(optimizer)
    other.step(val_loss)
    other.step(1 - val_acc)
    """,
    """
    class Net(nn.Module):
        def forward(self, x, h):
            for begin in range(0, x.shape[1], 20):
                h = self.cell(x[:, begin : begin + 20], h.detach())
            for t in range(x.shape[1]):
                h = self.cell(x[:, t], h)
                if t % 20 == 19:
                    h = h.detach()
            return h
        def act(self, x, h):
            for t in range(9):
                h = self.cell(x[:, t], h.detach())
    """,
    """
    for step in range(100):
        if random.randint(0, 9) > 0:
            optimizer.step()
    """,
    """
    if random.randint(0, 1) == 1:
        text = text.lower()
    """,
    """
    for epoch in range(9):
        weights = copy.deepcopy(model.state_dict())
    model.load_state_dict(weights)
    """,
    """
    weights = model.state_dict()
    other.load_state_dict(weights)
    """,
    """
    for epoch in range(9):
        weights = model.state_dict()
        torch.save(weights, path)
    """,
    """
    train, valid = random_split(data, [80, 20])
    batches = DataLoader(train, batch_size=4)
    others = DataLoader(valid, batch_size=4)
    print(len(data))
    """,
    """
    train, valid = data[:n], data[n:]
    fit(train, valid, len(data))
    """,
    """
    with torch.no_grad():
        for p in weights:
            p -= 0.1 * p.grad
    """,
    """
    for p in weights:
        p = p - 0.1 * p.grad
        fresh.append(p)
    """,
    """
    for step in range(3):
        fast = [w - 0.1 * g for w, g in zip(fast, gradients)]
    """,
    """
    for batch in batches:
        loss = criterion(model(batch), targets)
        loss.backward()
        losses.append(loss.item())
        curve.append(float(loss))
    """,
    """
    for step in steps:
        loss = criterion(step, targets)
        losses.append(loss)
    total = torch.stack(losses).mean()
    total.backward()
    """,
    """
    for batch in batches:
        loss = mse(batch, targets)
        loss.backward()
        with torch.no_grad():
            curve.append(mse(others, targets))
    """,
    """
    nets = [Net() for _ in range(5)]
    zeros = [[0.0]] * 5
    sizes = [int(size)] * 3
    """,
]


def every_fault(text: str) -> list[tuple[Fault, Site]]:
    return [*source.faults_of("train.py", text), *statements.faults_of("train.py", text)]


@pytest.mark.parametrize(("cause", "text"), FAULTY)
def test_a_fault_is_found_with_its_line(cause: Cause, text: str) -> None:
    text = textwrap.dedent(text).strip()
    (here,) = (number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# HERE"))
    ((fault, site),) = every_fault(text)
    assert (fault.cause, site.line) == (cause, here)
    assert fault.says
    assert fault.instead


@pytest.mark.parametrize("text", RIGHT)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert every_fault(textwrap.dedent(text)) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("d = torch.sqrt((x ** 2).sum(1))", 1),
        ("y = 1\nd = (x - y).square().sum(1).sqrt()", 2),
        ("d = torch.sqrt(x.square().sum(1) + 1e-8)", None),
        ("d = x.square().clamp(min=1e-8).sqrt()", None),
        ("scale = math.sqrt(n)", None),
        ("d = torch.sqrt(x)\ne = torch.sqrt(y)", None),
    ],
)
def test_the_only_square_root_of_what_may_be_0_is_named(text: str, line: int | None) -> None:
    assert [site.line for _, site in statements.roots("train.py", text)] == ([] if line is None else [line])
