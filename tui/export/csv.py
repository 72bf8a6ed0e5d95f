"""Every series that the lab keeps of runs, as tables.

A file a series, in UTF-8 and as RFC 4180 says, with a header, a row for each event and the run's name in the first
column, so that several runs fit into the same files. What is not known is an empty cell, and without bound is `inf`.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path, PurePosixPath
from typing import Any

from engine.events import HUGE, Change, Finding, Hypothesis, Note, Point, Probe, Sample, Saved, Validation
from tui.export.folder import Piece, Step, file_name
from tui.export.run_data import RunData
from tui.readings import as_number

FORMULA = re.compile(r"(?:^|(?<=[;,|\t\r\n]))(?='*[=+\-@\t\r＝＋－＠])")
"""Where a spreadsheet would begin to read a formula: at a cell's beginning, and behind what some take for its end."""

FIRST = {"missed": 1}
"""The number of a list's first column, where that is not 0: nothing is missed at the character itself."""

Row = dict[str, Any]


def pieces(runs: Sequence[RunData]) -> list[Piece]:
    """A table for each series and each instrument, and the runs themselves as JSON."""
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
        _table("hypotheses", _hypothesis_names(), runs, lambda data: map(_hypothesis, data.hypotheses)),
        *(_instrument(name, runs) for name in instruments),
    ]


def cell(value: object) -> object:
    """A value as a cell: a text with an apostrophe wherever a spreadsheet would take what follows for a formula.

    A text is got back by taking out the first of the apostrophes that stand before such a character.
    """
    if isinstance(value, str):
        return FORMULA.sub("'", value)
    if isinstance(value, int | float) and abs(value) >= HUGE:
        return as_number(value)
    return value


def _table(
    name: str, columns: Sequence[str], runs: Sequence[RunData], rows: Callable[[RunData], Iterable[Row]]
) -> Piece:
    def write(path: Path, step: Step) -> None:
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(map(cell, ["run", *columns]))
            for data in runs:
                for row in rows(data):
                    writer.writerow(map(cell, [data.run.name, *(row.get(column) for column in columns)]))
                step()

    return Piece(PurePosixPath(f"{name}.csv"), write, len(runs))


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _points(data: RunData) -> Iterable[Row]:
    names = [f"norm.{name}" for name in data.run.matrix_names]
    for point in data.points:
        row = asdict(point)
        yield {**row, **dict(zip(names, row.pop("norms"), strict=True))}


def _instrument(name: str, runs: Sequence[RunData]) -> Piece:
    """The readings of one instrument; a list has a column for each of its elements."""
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
            first = FIRST.get(field, 0)
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


def _hypothesis_names() -> list[str]:
    return [name for name in _names(Hypothesis) if name != "run"]


def _hypothesis(hypothesis: Hypothesis) -> Row:
    return asdict(hypothesis)


def _write_runs(runs: Sequence[RunData], path: Path, step: Step) -> None:
    found = [_plain(asdict(data.run)) for data in runs]
    path.write_text(json.dumps(found, indent=2, allow_nan=False) + "\n", encoding="ascii")
    step()


def _plain(value: Any) -> Any:
    """The value with nothing in it that JSON lacks."""
    match value:
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case list() | tuple():
            return [_plain(each) for each in value]
        case float() if not math.isfinite(value):
            return None
    return value
