"""The speed of training in the console, against `train`: `python -m tests.benchmarks.console TEXT`.

First quiet, then beside a program that does nothing but keep a processor busy, on each of them. The processes take
turns: two of the same program differ by some percent as long as they live.
"""

from __future__ import annotations

import click

from engine.network.compute import usable_processors
from tests.benchmarks.busy import load
from tui.command_line.overhead import compare_consoles

TARGETS = {0: 0.98, usable_processors(): 0.95}
"""The least share of the speed without the console, by the number of busy programs."""


@click.command()
@click.argument("text")
@click.option("--rounds", default=6)
@click.option("--seconds", default=20.0)
def main(text: str, rounds: int, seconds: float) -> None:
    """Print the ratios."""
    for programs, target in TARGETS.items():
        with load(programs):
            for found in compare_consoles(text, seconds, rounds):
                print(
                    f"{found.name}, beside {programs} busy programs: {found.ratio:.3f} "
                    f"({found.low:.3f} … {found.high:.3f}), bar {target}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
