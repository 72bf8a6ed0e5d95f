"""The two paths of an update, timed: `make guard` compares them with the last time on the same machine.

No test here asserts a time. Each path is timed beside its plain loop, which shows how fast the machine is at the
moment.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from engine.bench.plain import PlainLoop, Way
from engine.network.compute import choose, use_threads
from engine.settings import PRESETS, Settings
from engine.text.corpus import Corpus, read_corpus
from engine.text.made import synthetic
from engine.training.trainer import Trainer
from engine.windows import LengthLaw

PATHS: dict[str, tuple[dict[str, Any], int]] = {
    "online": ({"hidden": 128, "optimizer": "adam", **PRESETS["online"]}, 1000),
    "windows of one stream": ({"hidden": 128, "optimizer": "adam", "streams": 1, "bptt": LengthLaw.fixed(25)}, 100),
    "windows of many streams": ({"optimizer": "adam"}, 10),
}
"""The settings, and the number of updates in one measurement of ours; the plain loop makes a tenth of them."""


pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    path: Path = tmp_path_factory.mktemp("text") / "alphabet.txt"
    path.write_text(synthetic.alphabet())
    return read_corpus(path, path.name, 1024)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("side", ["engine", "plain"])
def test_speed(benchmark: BenchmarkFixture, corpus: Corpus, path: str, side: str) -> None:
    changes, updates = PATHS[path]
    settings = Settings(dtype="float32", threads=1, warmup=0, **changes)
    use_threads(1)
    benchmark.group = path
    if side == "engine":
        trainer = Trainer(corpus, settings, choose(settings))
        trainer.train(updates)  # the compiled loops are built or loaded now
        measured = benchmark(trainer.train, updates)
        assert measured.updates == updates
        assert not measured.broken
    else:
        made = benchmark(_repeat(PlainLoop(corpus, settings, Way()).update, updates // 10))
        assert made > 0


def _repeat(update: Callable[[], int], times: int) -> Callable[[], int]:
    return lambda: sum(update() for _ in range(times))
