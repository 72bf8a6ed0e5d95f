"""`charrnn-tui evaluate`: what a network loses over the held-out part of its text."""

from __future__ import annotations

import math
from pathlib import Path

from engine.checkpoints.evaluation import HeldOut, read_held_out
from tui.command_line.newest import newest, text_of
from tui.command_line.progress import progress
from tui.words.json_lines import line
from tui.words.numbers import nats
from tui.words.safe_text import visible


def evaluate(target: str, folder: Path, text: str | None, *, dynamic: bool, as_json: bool) -> int:
    """Print the validation loss of a checkpoint file, or of a run's newest checkpoint; return the exit code."""
    found = newest(target, folder)
    origin, counters = found.origin, found.state.counters
    with progress() as tell:
        corpus = text_of(found, text, folder, tell)
        held_out = read_held_out(found, corpus, tell, dynamic=dynamic)
    if as_json:
        values = {"loss": held_out.loss, "dynamic": held_out.dynamic, "chars": held_out.chars}
        print(line({"event": "evaluation", "run": origin.run, "update": counters.updates, **values}))
    else:
        _print(origin.run, counters.updates, corpus.name, held_out)
    return 0


def _print(run: str, update: int, text: str, found: HeldOut) -> None:
    where = visible(f"{run} at update {update:,}, over the last {found.chars:,} characters of {text}", lines=False)
    print(f"{where}: {_loss(found.loss)}")
    if found.dynamic is not None:
        print(f"while it goes on learning from what it has read: {_loss(found.dynamic)}")


def _loss(loss: float) -> str:
    return f"{nats(loss)} nats/char ({nats(loss / math.log(2))} bits)"
