"""Tables of every series that the lab stores of runs, and of the results of a race.

Each series is a file in UTF-8, as RFC 4180 says, with a header and one row per event. The first column is the run's
name, so that all runs of a race fit into the same files. An unknown value is an empty cell, and infinity is `inf`.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from engine.events import HUGE, Change, Finding, Hypothesis, Note, Point, Probe, Sample, Saved, Validation
from engine.race.result import MEASURES, Comparison, Lane, Rung
from engine.race.statistics.standing import FIRST
from tui.export.folder import Piece, Step, file_name
from tui.export.race_data import RaceData
from tui.export.run_data import RunData
from tui.words.race_json import race_object
from tui.words.readings import as_number

FORMULA = re.compile(r"(?:^|(?<=[;,|\t\r\n]))(?='*[=+\-@\t\r＝＋－＠])")
"""The places where a spreadsheet may read a formula: a cell's beginning, and after what some take for its end."""

BEGINNING = {"missed": 1}
"""The number of a list's first column, where it is not 0: `missed` begins at lag 1."""

Row = dict[str, Any]


def pieces(runs: Sequence[RunData], race: RaceData | None = None) -> list[Piece]:
    """A table for each series and each instrument, and the runs as JSON; for a race, also its results."""
    matrices = dict.fromkeys(name for data in runs for name in data.run.matrix_names)
    names = [field.name for field in fields(Point) if field.name != "norms"]
    instruments = dict.fromkeys(name for data in runs for name in data.probes)
    return [
        Piece(PurePosixPath("runs.json"), lambda path, step: _write_runs(runs, path, step)),
        _table("points", [*names, *(f"norm.{name}" for name in matrices)], runs, _points),
        _table("validations", _names(Validation), runs, lambda data: map(asdict, data.validations)),
        _table("changes", _names(Change), runs, lambda data: map(asdict, data.changes)),
        _table("checkpoints", _names(Saved), runs, lambda data: map(asdict, data.checkpoints)),
        _table("notes", _names(Note), runs, lambda data: map(asdict, data.notes)),
        _table("samples", _names(Sample), runs, lambda data: map(asdict, data.samples)),
        _table("findings", _finding_names(runs), runs, lambda data: map(_finding, data.findings)),
        _hypotheses(runs, race),
        *(_instrument(name, runs) for name in instruments),
        *(_race(race) if race else ()),
    ]


def cell(value: object) -> object:
    """A value as a cell; a text has an apostrophe wherever a spreadsheet may read a formula.

    To get the text back, remove the first of the apostrophes before each character that may begin a formula.
    """
    if isinstance(value, str):
        return FORMULA.sub("'", value)
    if isinstance(value, int | float) and abs(value) >= HUGE:
        return as_number(value)
    return value


def _table(
    name: str, columns: Sequence[str], runs: Sequence[RunData], rows: Callable[[RunData], Iterable[Row]]
) -> Piece:
    """A table whose first column is the run's name."""

    def write(path: Path, step: Step) -> None:
        with _open(path) as file:
            writer = csv.writer(file)
            writer.writerow(map(cell, ["run", *columns]))
            for data in runs:
                for row in rows(data):
                    writer.writerow(map(cell, [data.run.name, *(row.get(column) for column in columns)]))
                step()

    return Piece(PurePosixPath(f"{name}.csv"), write, len(runs))


def _open(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline="")


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _points(data: RunData) -> Iterable[Row]:
    names = [f"norm.{name}" for name in data.run.matrix_names]
    for point in data.points:
        row = asdict(point)
        yield {**row, **dict(zip(names, row.pop("norms"), strict=True))}


def _instrument(name: str, runs: Sequence[RunData]) -> Piece:
    """The readings of one instrument; a list has one column per element."""
    columns = dict.fromkeys(
        column for data in runs for probe in data.probes.get(name, ()) for column in _reading(probe)
    )
    return _table(
        f"probes/{file_name(name)}", list(columns), runs, lambda data: map(_reading, data.probes.get(name, ()))
    )


def _reading(probe: Probe) -> Row:
    row: Row = {"update": probe.update, "chars": probe.chars, "took_seconds": probe.seconds}
    for field, value in probe.values.items():
        if isinstance(value, tuple):
            first = BEGINNING.get(field, 0)
            row |= {f"{field}.{number}": each for number, each in enumerate(value, first)}
        else:
            row[field] = value
    return row


def _finding_names(runs: Sequence[RunData]) -> list[str]:
    names = [name for name in _names(Finding) if name not in ("evidence", "trial")]
    evidence = dict.fromkeys(name for data in runs for finding in data.findings for name in finding.evidence)
    return [*names, "try_knob", "try_value", *(f"evidence.{name}" for name in evidence)]


def _finding(finding: Finding) -> Row:
    row = asdict(finding)
    row |= {f"evidence.{name}": value for name, value in finding.evidence.items()}
    if finding.trial is not None:
        row |= {"try_knob": finding.trial.knob, "try_value": finding.trial.value}
    return row


def _hypotheses(runs: Sequence[RunData], race: RaceData | None) -> Piece:
    """The hypotheses of the runs, or those that the race tests, each with the run in which it was written down."""
    names = [name for name in _names(Hypothesis) if name != "run"]
    if race is not None:
        return _race_table("hypotheses", ["run", *names], lambda: map(asdict, race.hypotheses))
    return _table("hypotheses", names, runs, lambda data: map(asdict, data.hypotheses))


def _write_runs(runs: Sequence[RunData], path: Path, step: Step) -> None:
    found = [_plain(asdict(data.run)) for data in runs]
    path.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="ascii")
    step()


# --- the results of a race -------------------------------------------------------------------------------------------


def _race(race: RaceData) -> list[Piece]:
    lanes, results = race.standing.lanes, race.standing.results
    depth = max((len(lane.rungs) for lane in lanes), default=0)
    losses = [f"loss.{number}" for number in range(1, depth + 1)]
    rung = [field.name for field in fields(Rung)]
    differences = ["run", "variant", "against", "measure", "replicate", "difference"]
    return [
        Piece(PurePosixPath("race.json"), lambda path, step: _write_race(race, path, step)),
        _race_table(
            "lanes",
            ["run", "variant", "replicate", "seed", "share", *rung, *losses, "rate", "broken"],
            lambda: (_lane(race, lane) for lane in lanes),
        ),
        _race_table(
            "rungs",
            ["run", "variant", "replicate", "rung", *rung],
            lambda: (
                {**_place(race, lane), "rung": number, **asdict(each)}
                for lane in lanes
                for number, each in enumerate(lane.rungs, 1)
            ),
        ),
        _race_table("results", RESULT, lambda: (_result(race, each) for each in results)),
        _race_table("differences", differences, lambda: (row for lane in lanes for row in _differences(race, lane))),
    ]


RESULT = (
    "variant",
    "against",
    "measure",
    "pairs",
    "estimate",
    "low",
    "high",
    "verdict",
    "diverged",
    "against_diverged",
)
"""The columns of `results.csv`."""


def _race_table(name: str, columns: Sequence[str], rows: Callable[[], Iterable[Row]]) -> Piece:
    def write(path: Path, step: Step) -> None:
        with _open(path) as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(map(cell, (row.get(column) for column in columns)) for row in rows())
        step()

    return Piece(PurePosixPath(f"{name}.csv"), write)


def _place(race: RaceData, lane: Lane) -> Row:
    return {"run": lane.run, "variant": race.label(lane.variant), "replicate": lane.replicate}


def _lane(race: RaceData, lane: Lane) -> Row:
    """A lane with its last validation in full, and the losses of all its validations."""
    return {
        **_place(race, lane),
        "seed": race.plan.seeded(lane.variant, lane.replicate).seed,
        "share": lane.share,
        **(asdict(lane.rungs[-1]) if lane.rungs else {}),
        **{f"loss.{number}": rung.loss for number, rung in enumerate(lane.rungs, 1)},
        "rate": lane.rate,
        "broken": lane.broken,
    }


def _result(race: RaceData, found: Comparison) -> Row:
    mine, others = found.diverged
    labels = {"variant": race.label(found.variant), "against": race.label(FIRST)}
    return {**asdict(found), **labels, "diverged": mine, "against_diverged": others}


def _differences(race: RaceData, lane: Lane) -> Iterable[Row]:
    """The differences of a lane from the first variant with the same seed, at an equal number of each measure."""
    if lane.variant == FIRST:
        return
    for measure in MEASURES:
        value = race.difference(lane, measure)
        if value is not None:
            yield {**_place(race, lane), "against": race.label(FIRST), "measure": measure, "difference": value}


def _write_race(race: RaceData, path: Path, step: Step) -> None:
    found = race_object(replace(race.race, results=race.standing.results))
    words = json.dumps({name: value for name, value in found.items() if name != "event"}, indent=2, allow_nan=False)
    path.write_text(words + "\n", encoding="ascii")
    step()


def _plain(value: Any) -> Any:
    """The value without anything that JSON lacks."""
    match value:
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if not math.isfinite(value):
            return None
    return value
