"""Tables: what went in comes out, and a spreadsheet runs none of it."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from engine.events import HUGE, Idea, Note, NoteKind, Point, Probe, Sample
from engine.lab import Lab
from engine.race.result import RaceStatus
from tests.tui.export.labs import BROKEN, HOSTILE, data_of, four_seeds, happened, race_of, race_plan, raced, stored
from tui.export.csv import cell, pieces
from tui.export.race_data import RaceData
from tui.export.run_data import RunData

SEPARATORS = ";,|\t\r\n"
STARTS = "=+-@\t\r＝＋－＠"


def decoded(text: str) -> str:
    """The text that a cell holds, as docs/export.md says."""
    return re.sub(r"(?:^|(?<=[;,|\t\r\n]))'(?='*[=+\-@\t\r＝＋－＠])", "", text)


def tables(folder: Path, runs: Sequence[RunData], race: RaceData | None = None) -> dict[str, list[dict[str, str]]]:
    found = {}
    for piece in pieces(runs, race):
        path = folder / piece.path
        path.parent.mkdir(parents=True, exist_ok=True)
        steps: list[None] = []
        piece.write(path, lambda steps=steps: steps.append(None))  # type: ignore[misc]
        assert len(steps) == piece.steps
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                found[str(piece.path)] = list(csv.DictReader(file, strict=True))
    return found


def test_every_series_comes_out(tmp_path: Path) -> None:
    events = happened()
    stored(tmp_path / "lab", events)
    with Lab.open(tmp_path / "lab") as lab:
        lab.hypotheses.add(Idea("the rate is too high", "it rises"), "notes-1", 7)
        lab.hypotheses.add(Idea("of another run"), "other", 7)
    data = data_of(tmp_path / "lab")
    found = tables(tmp_path / "out", [data])
    points = [event for event in events if isinstance(event, Point)]
    assert [float(row["loss"]) for row in found["points.csv"]] == [each.loss for each in points]
    assert [float(row["norm.rnn.hh0"]) for row in found["points.csv"]] == [each.norms[2] for each in points]
    assert [int(row["update"]) for row in found["points.csv"]] == [each.update for each in points]
    assert {row["run"] for rows in found.values() for row in rows} == {"notes-1"}
    assert found["validations.csv"] == [
        {"run": "notes-1", "update": "40", "chars": "40960", "loss": "1.75", "error": ""}
    ]
    assert [(row["knob"], row["old"], row["new"], row["undone"]) for row in found["changes.csv"]] == [
        ("lr", "0.004", "0.05", "False"),
        ("clip", "1", "off", "False"),
    ]
    assert [row["path"] for row in found["checkpoints.csv"]] == ["/somewhere/latest.safetensors"]
    assert [row["kind"] for row in found["notes.csv"]] == ["resume"]
    assert found["samples.csv"][0]["text"].startswith("ROMEO:\nO, she")
    assert [row["claim"] for row in found["hypotheses.csv"]] == ["the rate is too high"]
    assert found["findings.csv"] == []
    lags = found["probes/gradient_by_lag.csv"][-1]
    assert [float(lags[f"relative.{lag}"]) for lag in range(129)] == list(
        next(
            each for each in reversed(events) if isinstance(each, Probe) and each.instrument == "gradient_by_lag"
        ).values["relative"]  # type: ignore[arg-type]
    )
    control = found["probes/control.csv"][-1]
    assert "missed.0" not in control
    assert float(control["missed.12"]) == 0.03
    assert control["classes.2"] == ""
    assert found["probes/words.csv"][0]["invented.1"] == "belive"
    assert found["probes/words.csv"][0]["took_seconds"] == "0.01"
    runs = json.loads((tmp_path / "out/runs.json").read_text())
    assert [run["name"] for run in runs] == ["notes-1"]
    assert runs[0]["settings"]["bptt"] == "64"
    assert runs[0]["settings"]["lr"] == 0.004


def test_several_runs_go_into_the_same_tables(tmp_path: Path) -> None:
    stored(tmp_path / "lab", happened())
    stored(tmp_path / "lab", happened(8), name="other", matrix_names=("embedding", "rnn.ih0", "rnn.hh0", "rnn.hh1"))
    runs = [data_of(tmp_path / "lab"), data_of(tmp_path / "lab", "other")]
    points = tables(tmp_path / "out", runs)["points.csv"]
    assert [sum(row["run"] == name for row in points) for name in ("notes-1", "other")] == [40, 8]
    assert [(bool(row["norm.head"]), bool(row["norm.rnn.hh1"])) for row in (points[0], points[-1])] == [
        (True, False),
        (False, True),
    ]


def test_findings_come_with_their_numbers(tmp_path: Path) -> None:
    broken = [*happened(), Note(40, 40_960, NoteKind.NOT_FINITE, "the loss is nan")]
    stored(tmp_path / "lab", broken)
    rows = tables(tmp_path / "out", [data_of(tmp_path / "lab")])["findings.csv"]
    found = next(row for row in rows if row["cause"] == "non-finite")
    assert found["until_update"] == ""
    assert found["try_knob"]
    assert float(found["evidence.update"]) == 41


def test_what_is_not_known_is_empty_and_what_has_no_bound_is_inf(tmp_path: Path) -> None:
    values = {"half_life": HUGE, "decay": -HUGE, "norm": None, "reach": 10**400}
    stored(tmp_path / "lab", [Probe(1, 10, "gradient_by_lag", 0.0, values)], matrix_names=())
    row = tables(tmp_path / "out", [data_of(tmp_path / "lab")])["probes/gradient_by_lag.csv"][0]
    assert float(row["half_life"]) == math.inf
    assert float(row["decay"]) == -math.inf
    assert float(row["reach"]) == math.inf
    assert row["norm"] == ""


def test_a_run_without_anything_has_headers(tmp_path: Path) -> None:
    stored(tmp_path / "lab", [])
    found = tables(tmp_path / "out", [data_of(tmp_path / "lab")])
    assert not any(found.values())
    assert (tmp_path / "out/points.csv").read_text().startswith("run,update,chars,seconds,loss,")


def test_lines_end_as_the_standard_says_and_the_text_is_utf_8(tmp_path: Path) -> None:
    stored(tmp_path / "lab", [Note(1, 10, NoteKind.SAMPLE, 'a "quoted", word\nand – more')], matrix_names=())
    tables(tmp_path / "out", [data_of(tmp_path / "lab")])
    expected = 'run,update,chars,kind,text\r\nnotes-1,1,10,sample,"a ""quoted"", word\nand – more"\r\n'
    assert (tmp_path / "out/notes.csv").read_bytes() == expected.encode()


def test_hostile_text_survives(tmp_path: Path) -> None:
    events = [Sample(1, 10, 0.8, text) for text in (HOSTILE, "=1+1", "'=1", "-2", "\tx", "@x", "a;=b", "")]
    stored(tmp_path / "lab", events, matrix_names=())
    found = tables(tmp_path / "out", [data_of(tmp_path / "lab")])["samples.csv"]
    assert [decoded(row["text"]) for row in found] == [event.text for event in events]


def test_half_a_character_in_a_reading_is_written_all_the_same(tmp_path: Path) -> None:
    stored(tmp_path / "lab", [Probe(1, 10, "words", 0.0, {"invented": ("\udcff",)})], matrix_names=())
    assert tables(tmp_path / "out", [data_of(tmp_path / "lab")])["probes/words.csv"][0]["invented.0"] == "\\udcff"


@given(some.text(alphabet=some.sampled_from("'=+-@\t\r\n;,|＝a b")) | some.text())
def test_no_cell_begins_a_formula_and_every_text_is_got_back(text: str) -> None:
    written = cell(text)
    assert isinstance(written, str)
    assert decoded(written) == text
    for part in re.split(f"[{re.escape(SEPARATORS)}]", written):
        assert part[:1] not in set("=+-@＝＋－＠")
    assert written[:1] not in set(STARTS)


@pytest.mark.parametrize("number", [-1.5, -3, 0.0, 2e-05])
def test_numbers_are_left_as_they_are(number: float) -> None:
    assert cell(number) == number


def test_of_a_race_every_lane_comes_out_and_what_was_found(tmp_path: Path) -> None:
    plan = race_plan("lr=4e-3,1e-1")
    losses = four_seeds(0.4)
    raced(tmp_path / "lab", plan, losses)
    with Lab.open(tmp_path / "lab") as lab:
        lab.hypotheses.add(Idea("the rate is too high"), "notes-1", 7)
        lab.hypotheses.test(1, 1)
    runs, race = race_of(tmp_path / "lab")
    found = tables(tmp_path / "out", runs, race)
    names = [f"R1{letter}{seed}" for letter in "ab" for seed in (1, 2, 3, 4)]
    assert list(dict.fromkeys(row["run"] for row in found["points.csv"])) == names
    assert len(found["validations.csv"]) == len(found["rungs.csv"]) == 8 * 7
    lanes = found["lanes.csv"]
    assert [row["run"] for row in lanes] == names
    assert [(row["variant"], row["replicate"]) for row in lanes[3:5]] == [("lr 0.004", "3"), ("lr 0.1", "0")]
    assert [float(row["loss"]) for row in lanes] == [losses[place] for place in sorted(losses)]
    assert all(row["loss"] == row["loss.7"] and float(row["loss.1"]) > float(row["loss"]) for row in lanes)
    assert (lanes[0]["updates"], lanes[0]["chars"], lanes[0]["seconds"]) == ("64", "65536", "1.28")
    assert [int(row["seed"]) for row in lanes[:4]] == [int(row["seed"]) for row in lanes[4:]]
    assert {row["broken"] for row in lanes} == {""}
    results = found["results.csv"]
    assert [(row["variant"], row["against"], row["measure"]) for row in results] == [
        ("lr 0.1", "lr 0.004", measure) for measure in ("chars", "updates", "seconds")
    ]
    first = race.standing.results[0]
    assert [float(results[0][name]) for name in ("pairs", "estimate", "low", "high")] == [
        first.pairs,
        first.estimate,
        first.low,
        first.high,
    ]
    assert results[0]["verdict"] == "worse"
    differences = [float(row["difference"]) for row in found["differences.csv"] if row["measure"] == "chars"]
    assert differences == pytest.approx([losses[1, seed] - losses[0, seed] for seed in range(4)])
    assert [(row["run"], row["claim"], row["race"]) for row in found["hypotheses.csv"]] == [
        ("notes-1", "the rate is too high", "1")
    ]
    described = json.loads((tmp_path / "out/race.json").read_text())
    assert described["plan"] == json.loads(json.dumps(plan.plain()))
    assert described["results"][0]["estimate"] == first.estimate


def test_what_diverged_is_infinite_in_the_tables(tmp_path: Path) -> None:
    losses = {**four_seeds(0.4), (1, 0): math.inf, (1, 1): math.inf, (1, 2): math.nan}
    raced(tmp_path / "lab", race_plan("lr=4e-3,1e-1"), losses)
    runs, race = race_of(tmp_path / "lab")
    found = tables(tmp_path / "out", runs, race)
    assert [row["broken"] for row in found["lanes.csv"]][4:] == [BROKEN, BROKEN, "", ""]
    assert [row["loss.6"] != "" for row in found["lanes.csv"]][4:] == [False, False, False, True]
    by_chars = [row for row in found["differences.csv"] if row["measure"] == "chars"]
    assert [row["replicate"] for row in by_chars] == ["0", "1", "3"]
    assert [float(row["difference"]) for row in by_chars][:2] == [math.inf, math.inf]
    result = found["results.csv"][0]
    assert (float(result["estimate"]), float(result["low"])) == (math.inf, -math.inf)
    assert (result["pairs"], result["diverged"], result["against_diverged"]) == ("2", "2", "0")
    assert json.loads((tmp_path / "out/race.json").read_text())["results"][0]["estimate"] == HUGE


def test_a_race_that_has_not_begun_has_headers(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan(), {}, status=RaceStatus.QUEUED)
    found = tables(tmp_path / "out", *race_of(tmp_path / "lab"))
    assert not any(found.values())
    assert (tmp_path / "out/lanes.csv").read_text().startswith("run,variant,replicate,seed,share,updates,chars,")
