"""Consoles and programs: a command is carried out between two updates, or refused, and changes nothing else."""

from __future__ import annotations

import gc
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from charrnn import control
from charrnn.journal import COMMANDS, RECORDS, records, send
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer

from engine.recording.journal import WatchedRun
from tests.engine.watching.here import Here, watching
from tests.waiting import until

# --- a program in a process of its own -------------------------------------------------------------------------------


ENDLESS = """
import os, torch
from torch import nn

torch.manual_seed(0)
torch.set_num_threads(1)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Tanh(), nn.Linear(8, 3))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
own = os.open("own", os.O_WRONLY | os.O_CREAT)
made = 0
while True:
    inputs = torch.randn(16, 4)
    optimizer.zero_grad()
    nn.functional.mse_loss(model(inputs), inputs[:, :3]).backward()
    try:
        optimizer.step()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    made += 1
    os.pwrite(own, b"%9d" % made, 0)
"""
"""It writes the number of its updates into a file, over the one before."""


class Program:
    """A program that trains without end, in a process of its own, which is watched.

    Attributes:
        folder: its working directory.
        process: the process.
        journal: the folder of its journal; none before `begin`.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "train.py").write_text(ENDLESS)
        self.folder = self.journal = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "charrnn", "train.py"],
            cwd=folder,
            env={**os.environ, "CHARRNN_LAB": str(folder / "lab")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._records: list[Mapping[str, Any]] = []
        self._tickets = itertools.count(1)

    def begin(self) -> None:
        """Wait for the first update."""
        found = self.until(lambda: list(self.folder.glob(f"lab/journals/*/{RECORDS}")))
        self.journal = found[0].parent
        self._reader = records(self.journal)
        self.until(lambda: self.told("point"))

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition holds, as long as the process lives; returns what it found."""

        def holds() -> Any:
            assert self.process.poll() is None, "the program has ended"
            return condition()

        return until(holds)

    def told(self, kind: str, after: str = "") -> list[Mapping[str, Any]]:
        """The records of a kind so far, or only those after the last of another kind."""
        self._records += self._reader.new()
        kinds = [each["record"] for each in self._records]
        begin = len(kinds) - kinds[::-1].index(after) if after else 0
        return [each for each in self._records[begin:] if each["record"] == kind]

    def ask(self, command: str, **values: object) -> tuple[str, bool]:
        """Send a command from this process; returns the reply, and whether it was refused."""
        ticket = f"ticket {next(self._tickets)}"
        send(self.journal, command, **{"ticket": ticket, "process": os.getpid(), **values})
        return self.reply(ticket)

    def reply(self, ticket: str) -> tuple[str, bool]:
        """Wait for the reply to a command."""
        found = self.until(lambda: [each for each in self.told("reply") if each["ticket"] == ticket])
        return found[0]["text"], found[0]["failed"]

    def pauses(self) -> int:
        return sum(each["status"] == "paused" for each in self.told("status"))

    def is_paused(self) -> bool:
        return [each["status"] for each in self.told("status")][-1:] == ["paused"]

    def paused_after(self, command: str) -> int:
        """Send a command, and wait until the program is paused by it; returns the updates that it has made."""
        before = self.pauses()
        _, failed = self.ask(command)
        assert not failed
        self.until(lambda: self.pauses() > before and self.is_paused())
        return self.update()

    def update(self) -> int:
        """The updates made up to the last point. All were told of before a pause."""
        return int(self.told("point")[-1]["update"])

    def own(self) -> int:
        """The updates by the program's own count, without the one that is being made."""
        return int((self.folder / "own").read_bytes())

    def next_points(self) -> list[Mapping[str, Any]]:
        """Wait for two more points; returns all since."""
        before = len(self.told("point"))
        self.until(lambda: len(self.told("point")) >= before + 2)
        return self.told("point")[before:]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """An endless program; it is gone after the test."""
    found = Program(tmp_path)
    try:
        found.begin()
        yield found
        assert found.told("trouble") == []
    finally:
        found.process.kill()
        found.process.communicate()


def test_it_pauses_makes_single_updates_takes_changes_and_goes_on(program: Program) -> None:
    here = program.paused_after("pause")
    own = program.own()
    # Replies show that time passes for the program, without an update.
    for _ in range(3):
        assert program.ask("dance") == ("dance cannot be done to a program's own loop", True)
        assert (program.update(), program.own()) == (here, own)

    assert program.paused_after("step") == here + 1
    assert program.own() == own + 1
    for _ in range(2):
        send(program.journal, "step", process=os.getpid())
    program.until(lambda: program.is_paused() and program.update() >= here + 3)
    assert program.ask("dance")[1]
    assert (program.update(), program.own()) == (here + 3, own + 3)
    assert {each["lr"] for each in program.told("point")} == {0.01}

    assert program.ask("turn", knob="lr", value="0.002") == ("lr 0.01 → 0.002", False)
    assert program.ask("turn", knob="clip", value="0.001") == ("clip own → 0.001", False)
    assert program.ask("turn", knob="weight_decay", value="0.25") == ("weight_decay 0.01 → 0.25", False)
    assert program.ask("turn", knob="lr", value="0.002") == ("lr is already 0.002", False)
    said = {"update": here + 3, "targets": program.told("point")[-1]["targets"]}
    assert program.told("change") == [
        {"record": "change", **said, "number": number, "knob": knob, "old": old, "new": new}
        for number, (knob, old, new) in enumerate(
            [("lr", "0.01", "0.002"), ("clip", "own", "0.001"), ("weight_decay", "0.01", "0.25")], start=1
        )
    ]

    before = len(program.told("point"))
    assert program.ask("continue") == ("training", False)
    program.next_points()
    assert not program.is_paused()
    after = program.told("point")[before:]
    assert after[0]["update"] > here + 3
    assert {(each["lr"], each["clip"], each["clipped"]) for each in after} == {(0.002, 0.001, 1.0)}
    (group,) = program.told("settings")[-1]["groups"]
    assert (group["lr"], group["weight_decay"]) == (0.002, 0.25)

    # While it trains, the change says from which update on it holds.
    assert program.ask("turn", knob="lr", value="own") == ("lr 0.002 → 0.01", False)
    program.next_points()
    changed = program.told("change")[-1]["update"]
    assert program.told("point")[-1]["update"] > changed
    for each in program.told("point")[before:]:
        assert each["lr"] == (0.002 if each["update"] <= changed else 0.01)


def test_undo_goes_back_to_the_same_bits_and_save_writes_them(program: Program) -> None:
    begun = program.paused_after("pause")
    name = f"update-{begun:09}.safetensors"
    assert program.ask("save") == (f"saved {name}", False)
    (saved,) = program.told("saved")
    path = Path(saved["path"])
    assert (path.name, saved["update"]) == (name, begun)
    assert path.parent == program.folder / "lab" / "checkpoints" / program.journal.name
    before = path.read_bytes()

    assert program.ask("turn", knob="lr", value="0.5") == ("lr 0.01 → 0.5", False)
    assert program.paused_after("step") == begun + 1
    assert program.ask("turn", knob="weight_decay", value="0") == ("weight_decay 0.01 → 0", False)
    assert program.paused_after("step") == begun + 2
    program.ask("save")
    assert path.with_name(f"update-{begun + 2:09}.safetensors").read_bytes() != before

    text, failed = program.ask("undo")
    assert not failed
    assert text.startswith(f"back at update {begun + 1:,}, before weight_decay 0.01 → 0: ")
    text, failed = program.ask("undo")
    assert not failed
    assert text.startswith(f"back at update {begun:,}, before lr 0.01 → 0.5: ")
    assert [(each["update"], each["changes"]) for each in program.told("undo")] == [(begun + 1, 1), (begun, 0)]
    path.unlink()
    assert program.ask("save") == (f"saved {name}", False)
    assert path.read_bytes() == before
    assert program.ask("undo") == ("there is nothing to undo", True)
    assert sorted(each.name for each in path.parent.iterdir()) == [name, f"update-{begun + 2:09}.safetensors"]

    # The same updates again, from the same weights; the program's own count goes on.
    own = program.own()
    assert program.paused_after("step") == begun + 1
    assert program.told("point")[-1]["lr"] == 0.01
    assert program.own() == own + 1

    # While it trains, everything after the change is taken back as well.
    program.ask("continue")
    program.ask("turn", knob="lr", value="0.03")
    changed = program.told("change")[-1]["update"]
    program.next_points()
    _, failed = program.ask("undo")
    assert not failed
    assert program.told("undo")[-1]["update"] == changed
    program.next_points()
    first, second, *_ = program.told("point", after="undo")
    assert (first["update"] - first["updates"], second["update"] - second["updates"]) == (changed, first["update"])


RUBBISH = [
    b"",
    b"\x00\xff\xfe",
    b"[]",
    b"7",
    b"null",
    b'"pause"',
    b'{"pause":1}',
    b'{"command":7}',
    b'{"command":null,"ticket":"x"}',
    b'{"command":"pause"',
    b"[" * 5000,
    b'{"command":"' + b"x" * 5000,
    b'{"command":"pause","command":["step"]}',
]
"""Lines that are no command, and get no reply."""

NONSENSE: list[Mapping[str, Any]] = [
    {"command": ""},
    {"command": "__class__"},
    {"command": "pause", "process": "me"},
    {"command": "pause", "process": [1]},
    {"command": "pause", "process": None},
    {"command": "step", "process": {}},
    {"command": "turn"},
    {"command": "turn", "knob": "lr"},
    {"command": "turn", "value": "0.1"},
    {"command": "turn", "knob": "lr", "value": None},
    {"command": "turn", "knob": "lr", "value": [0.1]},
    {"command": "turn", "knob": ["lr"], "value": "0.1"},
    {"command": "turn", "knob": "clip", "value": {}},
    {"command": "turn", "knob": "betas", "value": "0.1"},
    {"command": "undo", "of": "what"},
]
"""Commands that cannot be carried out, and are refused."""


def test_nonsense_is_refused_or_skipped_and_harms_nothing(program: Program) -> None:
    commands = program.journal / COMMANDS
    with commands.open("ab") as file:
        file.write(b'{"command":"sa')
    program.next_points()
    with commands.open("ab") as file:
        file.write(b've","ticket":"half"}\n')
        file.writelines(line + b"\n" for line in RUBBISH)
        file.writelines(
            json.dumps({"ticket": f"nonsense {number}", **each}).encode() + b"\n"
            for number, each in enumerate(NONSENSE)
        )
        file.write(b'{"command":"save","ticket":"\\ud800"}\n')
    assert not program.reply("half")[1]
    for number, each in enumerate(NONSENSE):
        text, failed = program.reply(f"nonsense {number}")
        assert failed, each
        assert text
        assert "\n" not in text
    assert program.reply("\ud800")[0].startswith("saved update-")
    # Whoever asks at the same time as others gets a reply to each question, and once.
    askers = [threading.Thread(target=_asks, args=(program.journal, name)) for name in "abc"]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    expected = {f"{name}{number}" for name in "abc" for number in range(20)}
    program.until(lambda: expected <= {each["ticket"] for each in program.told("reply")})
    tickets = [each["ticket"] for each in program.told("reply")]
    assert len(tickets) == len(set(tickets)) == 2 + len(NONSENSE) + len(expected)
    assert program.told("change") == program.told("status") == []
    updates = [each["update"] for each in program.told("point") + program.next_points()]
    assert updates[-1] > updates[0]
    assert program.process.poll() is None


def _asks(journal: Path, name: str) -> None:
    for number in range(20):
        send(journal, "undo", ticket=f"{name}{number}")


@pytest.mark.usefixtures("heeds_interrupts")
def test_a_pause_ends_with_its_console_and_with_ctrl_c(program: Program) -> None:
    console = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert program.ask("pause", process=console.pid) == ("paused", False)
        program.until(program.is_paused)
        here = program.update()
        assert program.ask("dance")[1]
        assert (program.is_paused(), program.update()) == (True, here)
    finally:
        console.kill()
        console.wait()
    program.until(lambda: not program.is_paused())
    program.next_points()
    assert program.update() > here

    # What is meant for the program reaches it, and it goes on without waiting for anybody.
    program.paused_after("pause")
    own = program.own()
    program.process.send_signal(signal.SIGINT)
    assert program.process.stdout is not None
    assert program.process.stdout.readline() == "interrupted\n"
    program.until(lambda: program.own() > own + 2)
    program.next_points()
    assert not program.is_paused()
    # It takes commands as before.
    here = program.paused_after("pause")
    assert program.paused_after("step") == here + 1


# --- a program in this process ---------------------------------------------------------------------------------------


class Loop:
    """A small training, as people write it."""

    def __init__(self, make: Callable[[Any], Optimizer] | None = None, size: int = 3) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, size), nn.Dropout(0.1), nn.Linear(size, 2))
        parameters = list(self.model.parameters())
        self.optimizer = make(parameters) if make is not None else Adam(parameters, lr=0.125)

    def update(self, times: int = 1) -> None:
        for _ in range(times):
            inputs = torch.randn(8, 4)
            self.optimizer.zero_grad()
            torch.autograd.backward(nn.functional.mse_loss(self.model(inputs), inputs[:, :2]))
            self.optimizer.step()

    def bits(self) -> list[bytes]:
        """The weights, to the last bit."""
        held: list[Tensor] = [each.detach() for each in self.model.parameters()]
        return [each.numpy().tobytes() for each in held]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Here]:
    with watching(tmp_path, monkeypatch) as found:
        yield found


def turn(here: Here, loop: Loop, value: str, knob: str = "lr") -> None:
    """Turn a knob after one more update."""
    here.ask("turn", knob=knob, value=value)
    loop.update()


def test_without_a_command_the_weights_are_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []
    for make in (None, lambda its: SGD(its, lr=0.1, momentum=0.9)):
        plain, watched = Loop(make), None
        plain.update(40)
        with watching(tmp_path, monkeypatch):
            watched = Loop(make)
            watched.update(40)
        trained.append((plain.bits(), watched.bits()))
    assert [one == other for one, other in trained] == [True, True]
    assert trained[0] != trained[1]


def test_what_was_asked_before_the_first_update_is_done_after_it(here: Here) -> None:
    loop = Loop()
    here.ask("turn", knob="lr", value="0.25")
    here.ask("undo")
    here.ask("save")
    assert here.replies() == []
    loop.update()
    assert [failed for _, failed in here.replies()] == [False] * 3
    assert [each["update"] for each in here.told("change") + here.told("undo") + here.told("saved")] == [1, 1, 1]


def test_an_undo_puts_everything_back_that_torch_holds(here: Here) -> None:
    loop = Loop(lambda its: Adam([{"params": its[:2]}, {"params": its[2:]}], lr=0.125, weight_decay=0.25))
    loop.update(3)
    turn(here, loop, "0.5", "clip")
    before = loop.bits()
    turn(here, loop, "0.0625", "weight_decay")
    turn(here, loop, "0.75", "beta1")
    loop.update(4)
    after = loop.bits()
    here.ask("undo")
    here.ask("undo")
    here.ask("undo")
    loop.update()
    assert loop.bits() == before
    assert [group["weight_decay"] for group in loop.optimizer.param_groups] == [0.25, 0.25]
    assert [group["betas"] for group in loop.optimizer.param_groups] == [(0.9, 0.999), (0.9, 0.999)]
    assert [each["update"] for each in here.told("undo")] == [6, 5, 4]
    # The same way again, with the same changes.
    turn(here, loop, "0.0625", "weight_decay")
    assert [each["number"] for each in here.told("change")] == [1, 2, 3, 1]
    assert before != after


def test_the_same_changes_after_an_undo_give_the_same_bits(here: Here) -> None:
    loop = Loop()
    loop.update(2)
    here.ask("turn", knob="lr", value="0.03")
    loop.update(5)
    after = loop.bits()
    here.ask("undo")
    here.ask("turn", knob="lr", value="0.03")
    loop.update()
    loop.update(4)
    assert loop.bits() == after


def test_an_undo_puts_every_optimiser_back(here: Here) -> None:
    first, second = Loop(), Loop(lambda its: SGD(its, lr=0.1, momentum=0.9), size=5)
    for each in (first, second):
        each.update(2)
    second.update()
    turn(here, second, "0.3")
    before = first.bits(), second.bits()
    for each in (first, second) * 3:
        each.update()
    assert (first.bits(), second.bits()) != before
    here.ask("undo")
    second.update()
    assert (first.bits(), second.bits()) == before
    assert here.replies()[-1][0].startswith("back at update 4, before lr 0.1 → 0.3")


def test_at_most_so_many_changes_can_be_undone(here: Here) -> None:
    loop = Loop()
    for number in range(control.MOST_KEPT + 2):
        turn(here, loop, str(0.01 * (number + 1)))
    for _ in range(control.MOST_KEPT + 1):
        here.ask("undo")
    loop.update()
    replies = here.replies()[control.MOST_KEPT + 2 :]
    assert [failed for _, failed in replies] == [False] * control.MOST_KEPT + [True]
    assert replies[-1][0] == "the state before the change is gone"
    assert replies[-2][0].startswith("back at update 3, before lr 0.02 → 0.03: ")


@pytest.mark.parametrize("value", ["fast", "0.125"])
def test_what_changes_nothing_costs_no_state(here: Here, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A large model may have room for one state alone: a slip of the finger must not take it."""
    monkeypatch.setattr(control, "MOST_KEPT", 1)
    loop = Loop()
    turn(here, loop, "0.125" if value == "fast" else "0.5")
    turn(here, loop, "0.25" if value == "fast" else "0.125")
    turn(here, loop, value)
    here.ask("undo")
    loop.update()
    assert here.replies()[-1][0].startswith("back at update ")


def test_of_a_training_that_is_too_large_nothing_is_kept(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_memory", lambda: 64.0)
    loop = Loop()
    turn(here, loop, "0.5")
    here.ask("undo")
    loop.update()
    assert here.replies() == [("lr 0.125 → 0.5", False), ("the state before the change is gone", True)]


def test_a_change_whose_state_was_not_kept_is_not_undone_with_an_earlier_one(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slots of an optimiser such as LBFGS grow: there may be room for the first states alone."""
    loop = Loop()
    turn(here, loop, "0.5")
    loop.update(5)
    monkeypatch.setattr(control, "_memory", lambda: 64.0)
    turn(here, loop, "0.25")
    here.ask("undo")
    loop.update()
    assert here.replies()[-1] == ("the state before the change is gone", True)


def test_a_checkpoint_that_cannot_be_written_is_told(here: Here, tmp_path: Path) -> None:
    loop = Loop()
    (tmp_path / "lab" / "checkpoints").write_text("a file")
    here.ask("save")
    loop.update(2)
    ((text, failed),) = here.replies()
    assert failed
    assert text.startswith("save: ")
    assert here.told("saved") == []


def test_a_journal_that_is_gone_asks_for_nothing(here: Here) -> None:
    loop = Loop()
    loop.update()
    (here.journal / COMMANDS).unlink()
    loop.update(3)
    assert here.told("reply") == []


@pytest.mark.parametrize("process", ["1e999", "1" + "0" * 40])
def test_a_process_that_cannot_be_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process: str) -> None:
    monkeypatch.setattr(control, "ALIVE_SECONDS", 0.0)
    with watching(tmp_path, monkeypatch) as here:
        # However long it pauses, it is told to go on.
        monkeypatch.setattr("time.sleep", lambda _seconds: here.ask("continue"))
        with (here.journal / COMMANDS).open("a") as file:
            file.write(f'{{"command":"pause","process":{process}}}\n')
        Loop().update(2)


def test_commands_are_for_an_optimiser_that_lives(here: Here) -> None:
    """As in a notebook, where a large model is deleted and a small one is trained next."""
    large = Loop(size=20)
    large.update()
    del large
    gc.collect()
    small = Loop()
    small.update()
    here.ask("turn", knob="lr", value="0.5")
    small.update()
    assert here.replies() == [("lr 0.125 → 0.5", False)]


def test_after_an_undo_the_rate_is_known_again(here: Here) -> None:
    """A console lets nobody turn what it does not know."""
    loop = Loop()
    loop.update()
    here.ask("turn", knob="lr", value="0.5")
    here.ask("undo")
    loop.update(3)
    run = WatchedRun(here.journal)
    assert len(list(run.new())) > 3
    assert run.settings["lr"] == "0.125"
