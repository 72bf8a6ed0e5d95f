"""The first second, in turn with what it stands beside: `python -m tests.benchmarks.first_second TEXT`.

Prints the seconds until torch is imported, until `train` has made its first update, until Textual is imported, and
until the console has painted its panes; and the ratios of the medians. The lab is one in which the way to compute was
measured before.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import click

from tests.benchmarks.screen import Terminal
from tui.words.shell_commands import COMMAND

FIRST_UPDATE = """
import os, sys
from tui.command_line.program import main

def end_after_the_first_update():
    from engine.training.trainer import Trainer
    train = Trainer.train
    def trained(trainer, *given, **named):
        train(trainer, *given, **named)
        os._exit(0)
    Trainer.train = trained

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "engine.session.loop":
            sys.meta_path.remove(self)
            end_after_the_first_update()

sys.meta_path.insert(0, Watch())
main()
"""
"""A program that is `charrnn-tui` until its first update."""


def until_end(*command: str) -> float:
    """The seconds that a process of Python takes."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def until_painted(arguments: list[str]) -> float:
    """The seconds until the console shows its panes."""
    begun = time.perf_counter()
    terminal = Terminal(arguments)
    terminal.until("Hypotheses")
    took = time.perf_counter() - begun
    terminal.close()
    return took


@click.command()
@click.argument("text", type=click.Path(exists=True, path_type=Path))
@click.option("--rounds", default=7)
def main(text: Path, rounds: int) -> None:
    """Take all four in turn, several times."""
    with tempfile.TemporaryDirectory() as lab:
        given = [str(text), "--lab", lab]
        sides: Mapping[str, Callable[[], float]] = {
            "import torch": lambda: until_end("-c", "import os, torch; os._exit(0)"),
            "first update": lambda: until_end("-c", FIRST_UPDATE, "train", *given),
            "import textual": lambda: until_end("-c", "import os, textual.app; os._exit(0)"),
            "first paint": lambda: until_painted(given),
        }
        subprocess.run([*COMMAND, "train", *given, "--seconds", "21"], check=True, stdout=subprocess.DEVNULL)
        took: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                took[name].append(side())
    for name, seconds in took.items():
        print(f"{name:<16}{median(seconds):6.2f} s  ({min(seconds):.2f} … {max(seconds):.2f})")
    for ours, theirs in (("first update", "import torch"), ("first paint", "import textual")):
        print(f"{ours} / {theirs}: {median(took[ours]) / median(took[theirs]):.2f}")


if __name__ == "__main__":
    main()
