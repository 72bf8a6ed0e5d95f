"""What a watched program's journal says, and that watching changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from charrnn.journal import records as records_of

from tests.engine.watching.watched import findings

LOOP = """
import torch
from torch import nn
torch.manual_seed(0)
model = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
optimizer = torch.optim.{optimizer}
text = torch.randint(0, 9, (65,))
criterion = nn.CrossEntropyLoss()
for update in range(30):
    {body}
    if update % 10 == 9:
        with torch.no_grad():
            criterion(model(text[:-1]), text[1:])
torch.save(model.state_dict(), "weights.pt")
"""

PLAIN = "loss = criterion(model(text[:-1]), text[1:]); optimizer.zero_grad(); loss.backward(); optimizer.step()"
SCHEDULED = PLAIN + "; optimizer.param_groups[0]['lr'] = 0.01 if update < 28 else 0.02"
CLIPPED = PLAIN.replace("optimizer.step()", "nn.utils.clip_grad_norm_(model.parameters(), 0.1); optimizer.step()")
ACCUMULATED = (
    "optimizer.zero_grad(); [(criterion(model(text[a:a + 16]), text[a + 1:a + 17]) / 4).backward() "
    "for a in range(0, 64, 16)]; optimizer.step()"
)
SUMMED = (
    "loss = sum(criterion(model(text[a:a + 1]), text[a + 1:a + 2]) for a in range(64)); "
    "optimizer.zero_grad(); loss.backward(); optimizer.step()"
)
CLOSURE = "optimizer.step(closure)"
DEFINED = """
def closure():
    optimizer.zero_grad()
    loss = criterion(model(text[:-1]), text[1:])
    loss.backward()
    return loss
"""

LOOPS = {
    "plain": LOOP.format(optimizer="Adam(model.parameters(), lr=0.01)", body=PLAIN),
    "with a schedule": LOOP.format(optimizer="Adam(model.parameters(), lr=0.01)", body=SCHEDULED),
    "clipped": LOOP.format(optimizer="SGD(model.parameters(), lr=0.5, momentum=0.9)", body=CLIPPED),
    "accumulated": LOOP.format(optimizer="Adam(model.parameters(), lr=0.01)", body=ACCUMULATED),
    "summed over time": LOOP.format(optimizer="Adam(model.parameters(), lr=0.01)", body=SUMMED),
    "closure": LOOP.replace("for update", DEFINED + "for update").format(
        optimizer="LBFGS(model.parameters(), lr=0.1, max_iter=2)", body=CLOSURE
    ),
}


def run(folder: Path, source: str, *arguments: str, watched: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script in a folder by Python, or watched."""
    folder.mkdir(exist_ok=True)
    script = folder / "train.py"
    script.write_text(textwrap.dedent(source))
    command = [sys.executable, *(["-m", "charrnn"] if watched else []), script.name, *arguments]
    env = {**os.environ, "CHARRNN_LAB": str(folder / "lab")}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def records(folder: Path, kind: str) -> list[Mapping[str, Any]]:
    """The records of a kind in the only journal of a folder's lab."""
    (journal,) = (folder / "lab" / "journals").iterdir()
    return [each for each in records_of(journal).new() if each["record"] == kind]


ALL = """
import os
for name, source in {loops!r}.items():
    os.mkdir(name)
    os.chdir(name)
    exec(source, {{}})
    os.chdir("..")
"""
"""One program after the other in one process, since it takes seconds to load torch."""


def test_not_a_bit_changes_and_the_journal_has_every_update(tmp_path: Path) -> None:
    weights: list[dict[str, bytes]] = []
    for watched in (False, True):
        folder = tmp_path / str(watched)
        done = run(folder, ALL.format(loops=LOOPS), watched=watched)
        assert (done.returncode, done.stderr) == (0, "")
        weights.append({name: (folder / name / "weights.pt").read_bytes() for name in LOOPS})
    assert weights[0] == weights[1]
    points, settings = records(folder, "point"), records(folder, "settings")
    for number, name in enumerate(LOOPS, start=1):
        mine = [each for each in points if each["training"] == number]
        assert mine[-1]["update"] == sum(each["updates"] for each in mine) == 30, name
        # The first update has the loss of a fresh network, however the program adds its losses up.
        assert mine[0]["loss"] == pytest.approx(2.35, abs=0.3), name
        assert mine[-1]["targets"] >= 30 * 64, name
        assert {each["clip"] for each in mine} == {0.1 if name == "clipped" else None}
        if name == "clipped":
            assert mine[0]["clipped"] == 1.0
            assert mine[0]["grad_norm"] > 0.1
        assert len({each["lr"] for each in mine}) == (2 if name == "with a schedule" else 1)
        (first,) = (each["groups"][0]["lr"] for each in settings if each["training"] == number and each["update"] == 1)
        assert first == mine[0]["lr"]
    losses = [each["loss"] for record in records(folder, "validation") for each in record["sets"]]
    assert [each < 2.5 for each in losses] == [True] * 3 * len(LOOPS)
    assert len(records(folder, "begin")) == len(records(folder, "end")) == 1


ODD = """
    import threading
    import torch
    from torch import nn
    from torch.func import functional_call, grad, vmap
    from torch.nn import functional

    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.rnn, self.head = nn.Embedding(9, 8), nn.LSTM(8, 12), nn.Linear(12, 9)

        def forward(self, ids):
            return self.head(self.rnn(self.embedding(ids))[0])

    def batch():
        ids = torch.randint(0, 9, (13, 4))
        return ids[:-1], ids[1:]

    def loss_of(model):
        ids, targets = batch()
        return functional.cross_entropy(model(ids).flatten(0, 1), targets.flatten())

    def train(model, updates):
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(updates):
            optimizer.zero_grad()
            loss_of(model).backward()
            optimizer.step()

    torch.jit.trace(Net(), torch.zeros(3, 2, dtype=torch.long))
    with torch.device("meta"):
        Net()(torch.zeros(2, 3, dtype=torch.long, device="meta"))
    plain = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 9))
    weights = {name: each.detach() for name, each in plain.named_parameters()}
    loss = lambda own, ids, targets: functional.cross_entropy(functional_call(plain, own, (ids,)), targets)
    grad(loss)(weights, *(each[0] for each in batch()))
    vmap(grad(loss), (None, 0, 0))(weights, *batch())

    model = Net()
    with torch.inference_mode():
        loss_of(model)
    train(model, 20)
    with torch.inference_mode():
        loss_of(model)
    empty = torch.zeros(0, 9, requires_grad=True)
    functional.cross_entropy(empty, torch.zeros(0, dtype=torch.long), reduction="sum").backward()
    train(model, 5)

    threads = [threading.Thread(target=train, args=(Net(), 200)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    train(model, 3)
    print("whole")
"""


def test_what_torch_does_with_tensors_that_hold_no_numbers_and_in_other_threads_is_let_alone(tmp_path: Path) -> None:
    done = run(tmp_path, ODD)
    assert (done.returncode, done.stdout) == (0, "whole\n")
    assert "charrnn" not in done.stderr
    assert records(tmp_path, "trouble") == []
    assert records(tmp_path, "validation")
    ends = {each["training"]: each["update"] for each in records(tmp_path, "point")}
    assert ends[1] == 20
    assert 3 in ends.values()
    assert not [each for each in records(tmp_path, "fact") if each["fact"] != "no-gradient"]


IN_BACKWARD = """
    import torch
    from torch import nn
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
    optimizers = {each: torch.optim.SGD([each], 0.05) for each in model.parameters()}
    def step(parameter):
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()
    for each in model.parameters():
        each.register_post_accumulate_grad_hook(step)
    for _ in range(60):
        nn.functional.mse_loss(model(torch.ones(4, 8)), torch.ones(4, 4)).backward()
"""


def test_steps_within_the_backward_pass_are_no_fault_and_have_the_loss(tmp_path: Path) -> None:
    done = run(tmp_path, IN_BACKWARD)
    assert (done.returncode, done.stderr) == (0, "")
    assert [each["fact"] for each in records(tmp_path, "fact")] == []
    shown = records(tmp_path, "shown")[-1]["training"]
    points = [each for each in records(tmp_path, "point") if each["training"] == shown]
    assert points[-1]["update"] == 60
    assert points[-1]["loss"] is not None


IN_TURN = """
    import torch
    from torch import nn
    torch.manual_seed(0)
    models = [nn.Linear(8, 4), nn.Linear(8, 4)]
    optimizers = [torch.optim.Adam(each.parameters()) for each in models]
    for _ in range(40):
        losses = [nn.functional.mse_loss(each(torch.ones(4, 8)), torch.ones(4, 4)) for each in models]
        for loss, optimizer in zip(losses, optimizers):
            optimizer.zero_grad()
            loss.backward()
        for each in optimizers:
            each.step()
"""


def test_of_two_equal_trainings_in_turn_the_first_is_shown_with_its_losses(tmp_path: Path) -> None:
    done = run(tmp_path, IN_TURN)
    assert (done.returncode, done.stderr) == (0, "")
    assert records(tmp_path, "shown")[-1]["training"] == 1
    last = [each for each in records(tmp_path, "point") if each["training"] == 1][-1]
    assert last["update"] == 40
    assert last["loss"] is not None


BY_HAND = """
    import torch
    from torch import nn
    torch.manual_seed(0)
    model = nn.Linear(8, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for update in range(2000):
        loss = nn.functional.mse_loss(model(torch.randn(16, 8)), torch.randn(16, 4))
        optimizer.zero_grad()
        loss.backward()
        norm = torch.cat([each.grad.flatten() for each in model.parameters()]).norm()
        for each in model.parameters():
            each.grad.mul_(min(1.0, 0.01 / float(norm)))
        optimizer.step()
"""


def test_clipping_by_hand_is_seen(tmp_path: Path) -> None:
    done = run(tmp_path, BY_HAND)
    assert (done.returncode, done.stderr) == (0, "")
    last = [each for each in records(tmp_path, "point") if each["clip"] is not None][-1]
    assert last["clip"] == pytest.approx(0.01, rel=0.01)
    assert last["clipped"] == 1.0
    assert 0 < last["clip_factor"] < 0.1


THREADS = """
    import threading
    import torch
    from torch import nn

    def train(seed):
        generator = torch.Generator().manual_seed(seed)
        model = nn.Linear(8, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for update in range(400):
            inputs = torch.randn(16, 8, generator=generator)
            optimizer.zero_grad()
            nn.functional.mse_loss(model(inputs), inputs[:, :4]).backward()
            optimizer.step()

    running = [threading.Thread(target=train, args=(seed,)) for seed in range(4)]
    for each in running:
        each.start()
    for each in running:
        each.join()
"""


@pytest.mark.parametrize("attempt", range(3))
def test_threads_that_train_side_by_side_are_not_harmed(tmp_path: Path, attempt: int) -> None:
    done = run(tmp_path / str(attempt), THREADS)
    assert (done.returncode, done.stderr) == (0, "")
    assert not records(tmp_path / str(attempt), "fact")


WHOLLY_BY_HAND = """
    import torch
    from torch import nn
    torch.manual_seed(0)
    model = nn.Linear(8, 4)
    for update in range(400):
        loss = nn.functional.mse_loss(model(torch.randn(16, 8)), torch.randn(16, 4))
        model.zero_grad()
        loss.backward()
        before = model.weight.detach().clone()
        with torch.no_grad():
            for each in model.parameters():
                each -= 0.1 * each.grad
        ratio = float((model.weight.detach() - before).norm() / before.norm())
        print(update + 1, ratio)
"""


def test_the_length_of_an_update_by_hand_is_measured(tmp_path: Path) -> None:
    done = run(tmp_path, WHOLLY_BY_HAND)
    assert (done.returncode, done.stderr) == (0, "")
    told = dict(line.split() for line in done.stdout.splitlines())
    probes = [each for each in records(tmp_path, "probe") if each["instrument"] == "update_ratio"]
    assert probes
    for each in probes:
        # A probe is told before its update is counted.
        assert each["values"]["whole"] == pytest.approx(float(told[str(each["update"])]), rel=1e-4)


SURROUNDINGS = """
import json, sys, os, engine, tui, helper
if __name__ == "__main__":
    import __main__
    own = engine.mine, tui.mine, helper.mine
    where = sys.argv, sys.path[0], __file__, __main__.__file__, os.getcwd()
    print(json.dumps([own, where, __name__, str(__spec__), "torch" in sys.modules, sorted(globals())]))
"""


def test_a_script_finds_what_python_would_show_it(tmp_path: Path) -> None:
    """Its own modules too, which may be called as ours are; and torch only where it imports it."""
    for name in ("engine", "tui", "helper"):
        (tmp_path / f"{name}.py").write_text("mine = True\n")
    seen = [run(tmp_path, SURROUNDINGS, "--lr", "1", "-x", watched=watched) for watched in (False, True)]
    assert seen[0].stderr == seen[1].stderr == ""
    assert json.loads(seen[0].stdout) == json.loads(seen[1].stdout)
    assert not (tmp_path / "lab").exists()


@pytest.mark.parametrize(
    "source",
    [
        "import sys; sys.exit(7)",
        "raise SystemExit('no data')",
        "def f():\n    return 1 / 0\nf()",
        "x = (",
        "import os; os._exit(5)",
        "raise KeyboardInterrupt",
        "import torch\nx = torch.ones(1, requires_grad=True).exp()\nx.backward()\nx.backward()",
        "import sys; sys.excepthook = lambda *_: print('mine', file=sys.stderr); 1 / 0",
        "import nowhere_to_be_found",
        "import multiprocessing as m\ndef f(x): return x + 1\nif __name__ == '__main__':\n"
        "    with m.get_context('spawn').Pool(1) as p: print(p.map(f, [1]))",
        "import threading; threading.Thread(target=print, args=('late',)).start()",
    ],
)
def test_a_script_ends_as_under_python(tmp_path: Path, source: str) -> None:
    plain, watched = (run(tmp_path, source, watched=watched) for watched in (False, True))
    assert (watched.returncode, watched.stdout, watched.stderr) == (plain.returncode, plain.stdout, plain.stderr)


def test_a_missing_script_is_told_as_python_tells_it(tmp_path: Path) -> None:
    seen = [
        subprocess.run(
            [sys.executable, *middle, "nowhere.py"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        for middle in ([], ["-m", "charrnn"])
    ]
    assert seen[0].returncode == seen[1].returncode == 2
    assert "can't open file" in seen[1].stderr


def test_a_killed_program_leaves_whole_records(tmp_path: Path) -> None:
    endless = LOOPS["plain"].replace("range(30)", "iter(int, 1)")
    (tmp_path / "train.py").write_text(endless.replace("for update", "print('begins', flush=True)\nfor update"))
    process = subprocess.Popen(
        [sys.executable, "-m", "charrnn", "train.py"],
        cwd=tmp_path,
        env={**os.environ, "CHARRNN_LAB": str(tmp_path / "lab")},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    while not (tmp_path / "lab").exists() or len(records(tmp_path, "point")) < 3:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(records(tmp_path, "point")) >= 3
    assert records(tmp_path, "end") == []


def test_a_lab_that_cannot_be_written_stops_no_program(tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("a file")
    done = run(tmp_path, LOOPS["plain"])
    assert done.returncode == 0
    assert (tmp_path / "weights.pt").exists()
    assert done.stderr.startswith("charrnn: the lab ")
    assert len(done.stderr.splitlines()) == 1


def test_a_fault_of_ours_stops_the_watching_and_not_the_program(tmp_path: Path) -> None:
    broken = "import charrnn.program\ncharrnn.program.gradient_norms = None\n" + LOOPS["plain"]
    done = run(tmp_path, broken)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "weights.pt").exists()
    (trouble,) = records(tmp_path, "trouble")
    assert "TypeError" in trouble["trouble"]


LAST = """
class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(8, 9)
    def forward(self, given):
        return self.rnn(given)[0]
"""


def test_a_fault_of_ours_within_a_backward_pass_does_not_end_it(tmp_path: Path) -> None:
    recurrent = LOOPS["plain"].replace("nn.Linear(8, 9)", "Last()").replace("model =", LAST + "model =")
    broken = (
        "import charrnn.inside\n_few, called = charrnn.inside._few, []\n"
        "def few(*given):\n"
        "    called.append(given)\n"
        "    return _few(*given) if len(called) < 3 else 1 / 0\n"  # The third is the gradient's.
        "charrnn.inside._few = few\n"
    )
    done = run(tmp_path, broken + recurrent)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "weights.pt").exists()
    (trouble,) = records(tmp_path, "trouble")
    assert "ZeroDivisionError" in trouble["trouble"]


def test_one_line_in_a_script_watches_what_follows(tmp_path: Path) -> None:
    done = run(tmp_path, "import charrnn\ncharrnn.watch(name='mine')\n" + LOOPS["plain"], watched=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert records(tmp_path, "begin")[0]["program"] == "mine"
    assert records(tmp_path, "point")[-1]["update"] == 30


def test_a_with_statement_ends_the_watching(tmp_path: Path) -> None:
    source = """
        import charrnn, torch
        from torch.nn import functional
        before = torch.autograd.backward, functional.cross_entropy, torch.nn.utils.clip_grad_norm_
        with charrnn.watch() as watch:
            assert charrnn.watch() is watch
            assert torch.autograd.backward is not before[0]
        assert (torch.autograd.backward, functional.cross_entropy, torch.nn.utils.clip_grad_norm_) == before
        watch.stop()
        assert charrnn.watch() is not watch
        charrnn.watch().stop()
        with charrnn.watch():
            from torch.nn.utils import clip_grad_norm_
        weight = torch.nn.Parameter(torch.ones(1))
        functional.mse_loss(weight, torch.zeros(1)).backward()
        clip_grad_norm_([weight], 1.0)
    """
    done = run(tmp_path, source, watched=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_stopped_before_torch_is_loaded_stays_so(tmp_path: Path) -> None:
    done = run(tmp_path, "import charrnn\ncharrnn.watch().stop()\n" + LOOPS["plain"], watched=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "lab").exists()


def test_workers_of_a_data_loader_write_nothing(tmp_path: Path) -> None:
    source = """
        import torch
        from torch.nn import functional
        class Data(torch.utils.data.Dataset):
            def __len__(self): return 8
            def __getitem__(self, place):
                weight = torch.nn.Parameter(torch.zeros(1))
                functional.mse_loss(weight, torch.ones(1)).backward()
                torch.optim.SGD([weight], lr=0.1).step()
                return weight.detach()
        if __name__ == "__main__":
            for batch in torch.utils.data.DataLoader(Data(), num_workers=1): pass
            weight = torch.nn.Parameter(torch.zeros(1))
            functional.mse_loss(weight, torch.ones(1)).backward()
            torch.optim.SGD([weight], lr=0.1).step()
    """
    assert run(tmp_path, source).returncode == 0
    assert [each["update"] for each in records(tmp_path, "point")] == [1]


def test_the_package_is_light() -> None:
    """Beside what Python itself needs, it imports nothing but the standard library."""
    code = "import sys, charrnn; print([each for each in ('torch', 'numpy', 'engine', 'tui') if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


ONE_CHARACTER = """
import torch
from torch import nn
network, head = nn.{cell}(9, 12), nn.Linear(12, 9)
optimizer = torch.optim.Adam([*network.parameters(), *head.parameters()], lr=0.01)
text, hidden = torch.randint(0, 9, (40,)), {hidden}
for place in range(39):
    hidden.detach()
    output, hidden = network(nn.functional.one_hot(text[place], 9).float()[None, None], hidden)
    loss = nn.functional.cross_entropy(head(output)[0], text[place + 1, None])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("cell", "hidden", "message"),
    [
        ("GRU", "torch.zeros(1, 1, 12)", "backward through the graph a second time"),
        ("LSTM", "(torch.zeros(1, 1, 12), torch.zeros(1, 1, 12))", "'tuple' object has no attribute 'detach'"),
    ],
)
def test_a_state_that_is_not_cut_is_explained_under_torchs_message(
    tmp_path: Path, cell: str, hidden: str, message: str
) -> None:
    watched = run(tmp_path, ONE_CHARACTER.format(cell=cell, hidden=hidden))
    assert watched.returncode == 1
    assert message in watched.stderr
    assert "charrnn" not in watched.stderr
    (journal,) = (tmp_path / "lab" / "journals").iterdir()
    found = findings(journal)
    assert found[0].cause == "detach-dropped"
    assert found[0].site is not None
    assert (found[0].site.line, found[0].site.code) == (8, "hidden.detach()")
    assert found[0].instead.startswith("hidden = hidden.detach()  # an LSTM's: hidden = tuple(")
