"""Checkpoints: whole, or refused in one line."""

from __future__ import annotations

import json
import os
import pickle
import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from engine.budget import Budget
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Checkpoint, Origin
from engine.errors import UserError
from engine.network.compute import choose
from engine.text.corpus import Corpus, read_corpus
from engine.training.state import finite
from engine.training.trainer import Trainer
from tests.conftest import small


@pytest.fixture
def trainer(text: Path) -> Trainer:
    settings = small()
    made = Trainer(read_corpus(text, text.name, settings.vocabulary), settings, choose(settings))
    for _ in range(3):
        made.train()
    return made


def origin(corpus: Corpus) -> Origin:
    return Origin("run-1", corpus.name, "words.txt", corpus.digest, corpus.vocabulary, Budget(updates=9), best=1.5)


@pytest.fixture
def saved(trainer: Trainer, tmp_path: Path) -> Path:
    path = tmp_path / "run-1" / "latest.safetensors"
    checkpoint.save(path, Checkpoint(origin(trainer.corpus), trainer.state()))
    return path


def test_it_comes_back_whole(trainer: Trainer, saved: Path) -> None:
    found = checkpoint.load(saved)
    assert found.origin == origin(trainer.corpus)
    assert found.state.settings == trainer.settings
    assert list(saved.parent.iterdir()) == [saved]


def rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, torch.Tensor]], None]) -> None:
    """Change a checkpoint as a stranger with our source could: with a correct digest."""
    found = checkpoint.load(path)
    tensors = dict(found.state.tensors)
    tensors[checkpoint.DROPOUT_RANDOM] = found.state.random.dropout
    content = checkpoint._content(found)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"][checkpoint.HEADER])
    change(header, tensors)
    text = json.dumps(header)
    save_file(tensors, path, {checkpoint.HEADER: text, checkpoint.DIGEST: checkpoint._digest(text, tensors)})


def test_one_of_a_version_that_shared_no_streams_out_is_read(saved: Path) -> None:
    rewrite(saved, lambda header, _tensors: header["counters"].pop("shards"))
    assert checkpoint.load(saved).state.counters.shards == 1


def put(*keys: str, value: object) -> Callable[[dict[str, Any], dict[str, torch.Tensor]], None]:
    def change(header: dict[str, Any], _tensors: dict[str, torch.Tensor]) -> None:
        for key in keys[:-1]:
            header = header[key]
        header[keys[-1]] = value

    return change


def tensor(name: str, value: torch.Tensor | None) -> Callable[[dict[str, Any], dict[str, torch.Tensor]], None]:
    def change(_header: dict[str, Any], tensors: dict[str, torch.Tensor]) -> None:
        if value is None:
            del tensors[name]
        else:
            tensors[name] = value

    return change


def lose(*keys: str) -> Callable[[dict[str, Any], dict[str, torch.Tensor]], None]:
    def change(header: dict[str, Any], _tensors: dict[str, torch.Tensor]) -> None:
        for key in keys[:-1]:
            header = header[key]
        del header[keys[-1]]

    return change


PYTHON = re.compile(r"__|argument|NoneType|\bdict\b|\('|object has|must be|not iterable|unsupported")
"""Phrases that only Python's own messages contain."""

HOSTILE = {
    "newer format": put("format", value=2),
    "no counter": lose("counters", "tokens"),
    "no budget": put("budget", value=None),
    "an end too few": lose("budget", "seconds"),
    "a setting too few": lose("settings", "hidden"),
    "no digest of the text": lose("digest"),
    "no format": lose("format"),
    "a key too many": put("more", value=1),
    "a best loss that is none": put("best", value="low"),
    "a best loss that is not finite": put("best", value=float("nan")),
    "a count beyond all counts": put("counters", "updates", value=10**400),
    "no settings": put("settings", value=None),
    "unknown setting": put("settings", "exec", value="rm"),
    "a setting of the wrong type": put("settings", "hidden", value="12"),
    "a huge network": put("settings", "hidden", value=8192),
    "other layers": put("settings", "layers", value=3),
    "another optimiser": put("settings", "optimizer", value="sgd"),
    "another cell": put("settings", "cell", value="gru"),
    "another vocabulary": put("vocabulary", "characters", value="abc"),
    "no vocabulary": put("vocabulary", value=[1, 2]),
    "a negative count": put("counters", "updates", value=-1),
    "a number type that is a list": put("counters", "dtype", value=[]),
    "a number type that is none": put("counters", "dtype", value="int8"),
    "loops that nobody knows": put("counters", "compiled", value=7),
    "a count that is text": put("counters", "tokens", value="many"),
    "a count too many": put("counters", "more", value=1),
    "a budget that is none": put("budget", "updates", value=-5),
    "a cool-down that is none": put("counters", "cool_down", value={"start": "x", "length": []}),
    "a generator that is none": put("lengths", value={"bit_generator": "MT19937"}),
    "no generator": put("lengths", value=None),
    "a run that is no text": put("run", value=5),
    "a missing tensor": tensor("network.head.bias", None),
    "a missing slot": tensor("optimiser.head.bias:exp_avg", None),
    "no cursors": tensor("streams.cursors", None),
    "cursors outside": tensor("streams.cursors", torch.full((3,), 10**9)),
    "cursors of another type": tensor("streams.cursors", torch.zeros(3)),
    "another shape": tensor("network.head.bias", torch.zeros(3)),
    "another type": tensor("network.head.weight", torch.zeros(5, 12, dtype=torch.float64)),
    "a carried state of another shape": tensor("carried.0", torch.zeros(1, 2, 12)),
    "an unknown tensor": tensor("surprise", torch.zeros(3)),
    "a damaged generator": tensor("random.dropout", torch.zeros(3, dtype=torch.uint8)),
    "a slot of another shape": tensor("optimiser.head.bias:exp_avg", torch.zeros(1)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_file_is_refused_in_one_line(trainer: Trainer, saved: Path, name: str) -> None:
    rewrite(saved, HOSTILE[name])
    with pytest.raises(UserError) as caught:
        Trainer.restored(trainer.corpus, checkpoint.load(saved).state, trainer.compute)
    assert "\n" not in str(caught.value)
    assert name == "a damaged generator" or not PYTHON.search(str(caught.value)), str(caught.value)


def test_a_cursor_of_a_version_that_withheld_nothing_goes_on_from_the_beginning(trainer: Trainer, saved: Path) -> None:
    corpus = trainer.corpus
    trained, split = len(corpus.training), corpus.split
    assert trained < split
    rewrite(saved, tensor("streams.cursors", torch.tensor([0, trained - 1, split - 1])))
    restored = Trainer.restored(corpus, checkpoint.load(saved).state, trainer.compute)
    assert restored.subject().cursors.tolist() == [0, trained - 1, split - 1 - trained]
    restored.train()
    rewrite(saved, tensor("streams.cursors", torch.tensor([0, 1, split])))
    with pytest.raises(UserError, match="outside the text"):
        Trainer.restored(corpus, checkpoint.load(saved).state, trainer.compute)


@pytest.mark.parametrize("header", ["", "nonsense", "[" * 100_000, "[]", "5", "null", "{}"])
def test_a_header_that_is_none_of_ours_is_refused(saved: Path, header: str) -> None:
    tensors = checkpoint.load(saved).state.tensors
    save_file(tensors, saved, {checkpoint.HEADER: header, checkpoint.DIGEST: checkpoint._digest(header, tensors)})
    with pytest.raises(UserError, match="header is") as caught:
        checkpoint.load(saved)
    assert str(caught.value).startswith(str(saved))


def test_a_refused_state_leaves_the_trainer_as_it_was(trainer: Trainer, saved: Path) -> None:
    before = trainer.state()
    rewrite(saved, HOSTILE["a damaged generator"])
    with pytest.raises(UserError):
        trainer.restore(checkpoint.load(saved).state)
    after = trainer.state()
    assert torch.equal(before.random.dropout, after.random.dropout)
    assert all(torch.equal(after.tensors[name], value) for name, value in before.tensors.items())


def test_every_cut_and_every_flipped_bit_is_found(saved: Path) -> None:
    content = saved.read_bytes()
    chance = random.Random(0)
    for length in [0, 1, 7, 8, 9, 100, *chance.sample(range(len(content)), 20), len(content) - 1]:
        saved.write_bytes(content[:length])
        with pytest.raises(UserError):
            checkpoint.load(saved)
    for _ in range(150):
        place = chance.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << chance.randrange(8)
        saved.write_bytes(flipped)
        with pytest.raises(UserError):
            checkpoint.load(saved)


class Trap:
    def __reduce__(self) -> tuple[Callable[..., None], tuple[str]]:
        return (os.putenv, ("CHARRNN_TRAP",))


def test_a_pickle_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="could run code"):
        checkpoint.load(path)
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UserError, match="could run code"):
        checkpoint.load(path)


def test_somebody_elses_safetensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="not a checkpoint of charrnn-tui"):
        checkpoint.load(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, says in (
        (tmp_path, "not a regular file"),
        (tmp_path / "no", "no such file"),
        (tmp_path / "pipe", "regular"),
    ):
        with pytest.raises(UserError, match=says):
            checkpoint.load(path)


def test_a_failed_write_leaves_the_one_before(trainer: Trainer, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()
    trainer.train()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        checkpoint.save(saved, Checkpoint(origin(trainer.corpus), trainer.state()))
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_state_that_is_not_finite_is_seen(trainer: Trainer) -> None:
    state = trainer.state()
    assert finite(state)
    spoiled = replace(state, tensors={**state.tensors, "optimiser.x": torch.tensor([1.0, float("inf")])})
    assert not finite(spoiled)


def test_loading_imports_nothing_that_unpickles(saved: Path) -> None:
    code = (
        "import sys, pickle; pickle.load = pickle.loads = None\n"
        "import torch; torch.load = None\n"
        "from pathlib import Path; from engine.checkpoints import checkpoint; checkpoint.load(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, saved], check=True)
