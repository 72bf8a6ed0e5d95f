"""The time in which the defaults reach the final loss of a small transformer.

`python -m tests.benchmarks.time_to_loss TEXT` prints for each round the transformer's time and loss, and ours after one
part in `SHARE` of that time.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import torch

from engine.budget import Budget
from engine.network.compute import usable_processors
from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.settings import Settings
from engine.text.corpus import read_corpus
from tests.benchmarks import transformer

SHARE = 20


@click.command()
@click.argument("text", type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=2)
def main(text: Path, rounds: int) -> None:
    """Run both in turn and print what they reach."""
    corpus = read_corpus(text, text.name, Settings().vocabulary)
    for number in range(rounds):
        torch.set_num_threads(usable_processors())
        theirs, their_loss = transformer.train(corpus, number)
        seconds = theirs / SHARE
        with tempfile.TemporaryDirectory() as lab:
            job = Job(NewRun(str(text), Settings(seed=number)), Path(lab), Budget(seconds=seconds))
            end = Session(job).run()
        met = "reached" if end.val_loss is not None and end.val_loss <= their_loss else "not reached"
        print(f"transformer {theirs:.1f} s, val {their_loss:.4f}; ours {seconds:.1f} s, val {end.val_loss:.4f}: {met}")


if __name__ == "__main__":
    main()
