"""`python -m tests.ladders`: what is said about trainings with a known fault, or with none, and how soon."""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.ladders.blatant import BLATANT
from tests.ladders.fault import Fault
from tests.ladders.healthy import HEALTHY
from tests.ladders.measured import Speed, drawn, measure
from tests.ladders.scores import summed, told
from tests.ladders.slow_clock import as_slow_as
from tests.ladders.watched import Watched, watch


def main() -> None:
    """Train what was asked for, and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.ladders", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the trainings, the texts and the networks")
    parser.add_argument("--runs", type=int, default=120, help="the trainings that are drawn")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each training")
    parser.add_argument(
        "--as-slow-as", type=float, default=1.0, help="the speed of the machine, as a share of this one"
    )
    parser.add_argument("--processes", type=int, default=1, help="the trainings at a time")
    parser.add_argument("--try", dest="tries", action="store_true", help="try what each first word proposes, too")
    fixed = parser.add_mutually_exclusive_group()
    fixed.add_argument("--blatant", action="store_true", help="train the blatant faults instead")
    fixed.add_argument("--healthy", action="store_true", help="train what is healthy instead")
    parser.add_argument("--only", default="", help="of these, or of the rungs, those with this in their name")
    chosen = parser.parse_args()
    if chosen.blatant or chosen.healthy:
        for fault in HEALTHY if chosen.healthy else BLATANT:
            if chosen.only in fault.name:
                _train(fault, chosen)
        return
    wanted = [number for number in range(chosen.runs) if chosen.only in _named(chosen.seed, number)]
    speed, rows = Speed(chosen.seconds, chosen.as_slow_as, chosen.tries), []
    with ProcessPoolExecutor(chosen.processes, multiprocessing.get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure, chosen.seed, number, speed) for number in wanted]):
            rows.append(done.result())
            print(told(rows[-1]), flush=True)
    print("", *summed(rows), sep="\n")


def _named(seed: int, number: int) -> str:
    case = drawn(seed, number)
    return f"healthy {case.name}" if isinstance(case, Fault) else f"{case.cause} {case.size} {case.sick.name}"


def _train(fault: Fault, chosen: argparse.Namespace) -> None:
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
    said = " ".join(filter(None, (causes, notes))) or "silence"
    return f"{said}  | loss {watched.loss:.2f} after {watched.updates:,} updates; {looks}; {spent:.1f} s"


if __name__ == "__main__":
    main()
