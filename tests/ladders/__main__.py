"""`python -m tests.ladders`: what is said about trainings with a known fault, or with none, and how soon."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.ladders.blatant import BLATANT
from tests.ladders.healthy import HEALTHY
from tests.ladders.slow_clock import as_slow_as
from tests.ladders.watched import Watched, watch


def main() -> None:
    """Train one after the other, and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.ladders", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the texts and the networks")
    parser.add_argument("--seconds", type=float, default=40.0, help="of each training")
    parser.add_argument(
        "--as-slow-as", type=float, default=1.0, help="the speed of the machine, as a share of this one"
    )
    parser.add_argument("--healthy", action="store_true", help="train what is healthy instead")
    parser.add_argument("--only", default="", help="faults with this in their name")
    chosen = parser.parse_args()
    for fault in HEALTHY if chosen.healthy else BLATANT:
        if chosen.only not in fault.name:
            continue
        with tempfile.TemporaryDirectory() as folder, as_slow_as(chosen.as_slow_as):
            watched = watch(fault, chosen.seed, chosen.seconds, Path(folder))
        causes = [each.finding.cause for each in watched.said]
        right = causes[0] in fault.causes if causes else not fault.causes
        print(f"{'✓' if right else '✗'} {fault.name:<36} {_told(watched)}", flush=True)


def _told(watched: Watched) -> str:
    causes = ", ".join(f"{each.finding.cause} {each.since_onset:.0f} s" for each in watched.said)
    notes = ", ".join(f"({each.finding.cause} {each.since_onset:.0f} s)" for each in watched.noted)
    looks = ", ".join(f"{name} {count}" for name, (count, _) in watched.looks.items())
    spent = sum(took for _, took in watched.looks.values())
    told = " ".join(filter(None, (causes, notes))) or "silence"
    return f"{told}  | loss {watched.loss:.2f} after {watched.updates:,} updates; {looks}; {spent:.1f} s"


if __name__ == "__main__":
    main()
