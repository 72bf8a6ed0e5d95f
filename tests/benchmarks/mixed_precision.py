"""Whether products in bfloat16 learn as well: `python -m tests.benchmarks.mixed_precision TEXT`.

Trains the same network from several seeds in float32 and in bfloat16, whose weights stay float32, and prints both
validation losses and the mean of their differences with its standard error.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import mean, stdev

import click

from engine.budget import Budget
from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.settings import Settings


def train(text: str, dtype: str, seed: int, updates: int) -> float:
    """The validation loss at the end, in nats per character."""
    with tempfile.TemporaryDirectory() as lab:
        job = Job(NewRun(text, Settings(dtype=dtype, threads=1, seed=seed)), Path(lab), Budget(updates=updates))
        loss = Session(job).run().val_loss
    assert loss is not None
    return loss


@click.command()
@click.argument("text", type=click.Path(exists=True))
@click.option("--seeds", default=3)
@click.option("--updates", default=2_000)
def main(text: str, seeds: int, updates: int) -> None:
    """Train and print."""
    pairs = [tuple(train(text, dtype, seed, updates) for dtype in ("float32", "bfloat16")) for seed in range(seeds)]
    for seed, (full, mixed) in enumerate(pairs):
        print(f"seed {seed}: float32 {full:.4f}, bfloat16 {mixed:.4f}, difference {mixed - full:+.4f}")
    differences = [mixed - full for full, mixed in pairs]
    error = stdev(differences) / len(differences) ** 0.5
    spread = stdev([full for full, _ in pairs])
    print(f"mean difference {mean(differences):+.4f} ± {error:.4f}; float32 varies by {spread:.4f} from seed to seed")


if __name__ == "__main__":
    main()
