"""The cost of an update, counted and not timed: it is the same on every machine, and no noise hides a rise."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from engine.network.compute import Compute, choose, has_bfloat16
from engine.text.corpus import Corpus, read_corpus
from engine.training.trainer import Trainer
from tests.conftest import small


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations that torch is asked for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, _types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Count the operation, and run it."""
        self.count[function.overloadpacket.__name__] += 1
        return function(*args, **(kwargs or {}))


@pytest.fixture
def corpus(text: Path) -> Corpus:
    return read_corpus(text, text.name, 1024)


LACKING = pytest.mark.skipif(not has_bfloat16("lstm", torch.device("cpu")), reason="no LSTM in bfloat16 here")


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 72), pytest.param(torch.bfloat16, 98, marks=LACKING)])
@pytest.mark.parametrize("clip", [None, 1e3])
def test_an_update_of_windows_asks_torch_for_little(
    corpus: Corpus, dtype: torch.dtype, most: int, clip: float | None
) -> None:
    trainer = Trainer(corpus, small(clip=clip, warmup=0), Compute(torch.device("cpu"), dtype, 1))
    trainer.train(2)
    with Operations() as operations:
        assert trainer.train(1).updates == 1
    # All numbers leave the device together, in one list: reading each one alone would wait for the device.
    assert operations.count["_local_scalar_dense"] == 0
    assert operations.count["_fused_adamw_"] == 1
    assert operations.count.total() <= most, operations.count


def test_many_updates_of_one_stream_are_one_call(corpus: Corpus) -> None:
    trainer = Trainer(corpus, chosen := small(streams=1, bptt="1", warmup=0), choose(chosen))
    assert trainer.compiled
    trainer.train(200)

    def calls(updates: int) -> int:
        count = 0

        def see(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(see)
        try:
            trainer.train(updates)
        finally:
            sys.setprofile(None)
        return count

    assert calls(2) == calls(200)
