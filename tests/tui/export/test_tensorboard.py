"""Event files, read back by TensorBoard's own reader."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugin_util import markdown_to_safe_html
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import metadata as hparams

from engine.events import HUGE, HypothesisStatus, Idea, Point, Probe, RunStatus, Sample, Stored
from engine.lab import Lab
from engine.race.result import RaceStatus
from engine.settings import Settings
from tests.tui.export.labs import HOSTILE, data_of, four_seeds, happened, race_of, race_plan, raced, stored
from tui.command_line.cli import _main
from tui.export.folder import Piece
from tui.export.tensorboard import pieces


def written(folder: Path, events: list[Stored], **changes: Any) -> EventAccumulator:
    """A run's events, stored, exported and read."""
    stored(folder / "lab", events, **changes)
    return reread(folder)


def reread(folder: Path) -> EventAccumulator:
    (reader,) = readers(folder, pieces([data_of(folder / "lab")])).values()
    return reader


def readers(folder: Path, found: Sequence[Piece]) -> dict[str, EventAccumulator]:
    """TensorBoard's readers of files, by the names that it calls their runs by."""
    opened = {}
    for piece in found:
        path = folder / piece.path
        path.parent.mkdir()
        steps: list[None] = []
        piece.write(path, lambda steps=steps: steps.append(None))  # type: ignore[misc]
        assert len(steps) == piece.steps
        opened[path.parent.name] = EventAccumulator(str(path.parent))
        opened[path.parent.name].Reload()
    return opened


def text_of(reader: EventAccumulator, tag: str) -> str:
    (words,) = reader.Tensors(tag)[-1].tensor_proto.string_val
    return str(words.decode())


def test_losses_stand_at_their_updates_and_at_their_characters(tmp_path: Path) -> None:
    events = happened()
    reader = written(tmp_path, events)
    points = [event for event in events if isinstance(event, Point)]
    train = reader.Scalars("loss/train")
    assert [each.step for each in train] == [point.update for point in points]
    assert [each.value for each in train] == pytest.approx([point.loss for point in points])
    assert [each.step for each in reader.Scalars("loss_by_characters/train")] == [point.chars for point in points]
    assert [(each.step, each.value) for each in reader.Scalars("loss/validation")] == [(40, 1.75)]
    assert [each.step for each in reader.Scalars("loss_by_characters/validation")] == [40_960]
    assert [each.value for each in reader.Scalars("gradient/norm/rnn.hh0")] == pytest.approx(
        [point.norms[2] for point in points]
    )
    assert len(reader.Scalars("rate/lr")) == 40


def test_instruments_have_a_curve_for_each_number(tmp_path: Path) -> None:
    reader = written(tmp_path, happened())
    tags = reader.Tags()["scalars"]
    assert len(reader.Scalars("instruments/gradient_by_lag/half_life")) == 8
    assert "instruments/agreement/share" in tags
    assert "instruments/gradient_by_lag/relative" not in tags
    assert not [tag for tag in tags if "text_facts" in tag]


def test_time_runs_on_from_the_runs_start_over_all_its_processes(tmp_path: Path) -> None:
    reader = written(tmp_path, happened())
    begun = datetime.fromisoformat(data_of(tmp_path / "lab").run.created).timestamp()
    times = [each.wall_time - begun for each in reader.Scalars("loss/train")]
    assert times == pytest.approx([update / 50 for update in range(1, 41)])
    assert reader.Scalars("end/seconds")[0].wall_time >= begun + times[-1]


def test_hyperparameters_and_results_are_what_the_plugin_reads(tmp_path: Path) -> None:
    reader = written(tmp_path, happened(), settings={**Settings().plain(), "clip": None, "lr": 0.02})
    content = reader.PluginTagToContent(hparams.PLUGIN_NAME)
    start = hparams.parse_session_start_info_plugin_data(content[hparams.SESSION_START_INFO_TAG])
    assert start.hparams["lr"].number_value == 0.02
    assert start.hparams["clip"].string_value == "off"
    assert start.hparams["bptt"].string_value == "64"
    assert start.hparams["cell"].string_value == "lstm"
    assert set(start.hparams) == set(Settings().plain())
    end = hparams.parse_session_end_info_plugin_data(content[hparams.SESSION_END_INFO_TAG])
    assert end.status == api_pb2.STATUS_SUCCESS
    assert reader.Scalars("end/best_validation_loss")[-1].value == 1.75
    assert reader.Scalars("end/characters")[-1].value == 40_960


@pytest.mark.parametrize(
    ("status", "expected"), [(RunStatus.NOT_FINITE, api_pb2.STATUS_FAILURE), (RunStatus.SIGINT, api_pb2.STATUS_SUCCESS)]
)
def test_how_a_run_ended_is_told(tmp_path: Path, status: RunStatus, expected: int) -> None:
    run = stored(tmp_path / "lab", happened())
    with Lab.open(tmp_path / "lab") as lab:
        lab.runs.finish(run, status=status, update=40, chars=40_960, seconds=1.0)
    content = reread(tmp_path).PluginTagToContent(hparams.PLUGIN_NAME)
    end = hparams.parse_session_end_info_plugin_data(content[hparams.SESSION_END_INFO_TAG])
    assert end.status == expected


def test_a_run_that_goes_on_has_no_end(tmp_path: Path) -> None:
    run = stored(tmp_path / "lab", happened())
    with Lab.open(tmp_path / "lab") as lab, lab.runs.hold(run):
        lab.runs.begin(run)
        content = reread(tmp_path).PluginTagToContent(hparams.PLUGIN_NAME)
    assert hparams.SESSION_START_INFO_TAG in content
    assert hparams.SESSION_END_INFO_TAG not in content


def test_texts_are_there(tmp_path: Path) -> None:
    stored(tmp_path / "lab", happened())
    with Lab.open(tmp_path / "lab") as lab:
        lab.hypotheses.add(Idea("the rate is too high", "it rises"), "notes-1", 7)
        lab.hypotheses.conclude(1, HypothesisStatus.CONFIRMED, "it rose")
    reader = reread(tmp_path)
    assert "    ROMEO:\n    O, she doth" in text_of(reader, "sample")
    assert "lr 0.004 → 0.05" in text_of(reader, "log")
    assert "**H1 confirmed**: the rate is too high; predicted: it rises; measured: –; concluded: it rose" in text_of(
        reader, "hypotheses"
    )
    assert "| --optimizer | adamw |" in text_of(reader, "settings")


def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    events: list[Stored] = [*happened(), Sample(40, 40_960, 0.8, HOSTILE)]
    stored(tmp_path / "lab", events, matrix_names=("\udcff\x1b<b>", "b", "c", "d"))
    with Lab.open(tmp_path / "lab") as lab:
        lab.hypotheses.add(Idea(HOSTILE, HOSTILE), "notes-1", 7)
    reader = reread(tmp_path)
    for tag in ("sample", "hypotheses"):
        shown = markdown_to_safe_html(text_of(reader, tag))
        assert not [sign for sign in ("<a ", "<img", "<script", "<h1", "\x1b", "\u202e") if sign in shown]
        assert "alert(1)" in shown


def test_what_has_no_bound_is_infinite_and_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    values = {"half_life": HUGE, "decay": None, "reach": -(10**400)}
    reader = written(tmp_path, [Probe(1, 10, "gradient_by_lag", 0.0, values)], matrix_names=())
    assert reader.Scalars("instruments/gradient_by_lag/half_life")[0].value == math.inf
    assert reader.Scalars("instruments/gradient_by_lag/reach")[0].value == -math.inf
    assert "instruments/gradient_by_lag/decay" not in reader.Tags()["scalars"]


def test_a_run_without_anything_can_be_opened(tmp_path: Path) -> None:
    reader = written(tmp_path, [])
    assert reader.Scalars("end/characters")[0].value == 0
    assert "end/train_loss" not in reader.Tags()["scalars"]


def test_of_a_race_every_lane_is_a_run_and_the_verdict_a_text(tmp_path: Path) -> None:
    losses = {**four_seeds(0.4), (1, 3): math.inf}
    raced(tmp_path / "lab", race_plan("lr=4e-3,1e-1"), losses)
    with Lab.open(tmp_path / "lab") as lab:
        lab.hypotheses.add(Idea("the rate is too high", "it rises"), "notes-1", 7)
        lab.hypotheses.test(1, 1)
    runs, race = race_of(tmp_path / "lab")
    found = readers(tmp_path, pieces(runs, race))
    assert list(found) == [*(f"R1{letter}{seed}" for letter in "ab" for seed in (1, 2, 3, 4)), "R1"]
    for (_, loss), reader in zip(sorted(losses.items()), found.values(), strict=False):
        assert reader.Scalars("end/validation_loss")[-1].value == pytest.approx(loss)
    assert len(found["R1b2"].Scalars("loss_by_characters/validation")) == 7
    content = found["R1b2"].PluginTagToContent(hparams.PLUGIN_NAME)
    start = hparams.parse_session_start_info_plugin_data(content[hparams.SESSION_START_INFO_TAG])
    assert start.hparams["variant"].string_value == "lr 0.1"
    assert start.hparams["lr"].number_value == 0.1
    content = found["R1b4"].PluginTagToContent(hparams.PLUGIN_NAME)
    end = hparams.parse_session_end_info_plugin_data(content[hparams.SESSION_END_INFO_TAG])
    assert end.status == api_pb2.STATUS_FAILURE
    assert "lr 0.1 is worse than lr 0.004 by 0.397 nats" in text_of(found["R1"], "verdict")
    assert "| lr 0.1 | ∞ | +0.397, 95 % from" in text_of(found["R1"], "variants")
    assert "the rate is too high" in text_of(found["R1"], "hypotheses")
    assert "* from fresh networks, 65,536 characters each" in text_of(found["R1"], "race")


def test_hostile_variants_are_only_text(tmp_path: Path) -> None:
    plan = race_plan("lr=4e-3,1e-1")
    plan = replace(plan, variants=tuple(replace(each, label=HOSTILE) for each in plan.variants))
    raced(tmp_path / "lab", plan, {(0, 0): 1.7, (1, 0): 1.6})
    runs, race = race_of(tmp_path / "lab")
    reader = readers(tmp_path, pieces(runs, race))["R1"]
    for tag in ("verdict", "variants"):
        shown = markdown_to_safe_html(text_of(reader, tag))
        assert not [sign for sign in ("<a ", "<img", "<script", "<h1", "\x1b", "\u202e") if sign in shown]
        assert "alert(1)" in shown


def test_a_race_that_has_not_begun_can_be_opened(tmp_path: Path) -> None:
    raced(tmp_path / "lab", race_plan(), {}, status=RaceStatus.QUEUED)
    (reader,) = readers(tmp_path, pieces(*race_of(tmp_path / "lab"))).values()
    assert text_of(reader, "verdict") == "No seed is complete."


def test_without_tensorboard_one_line_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    stored(Path("lab"), happened())
    monkeypatch.delitem(sys.modules, "tui.export.tensorboard")
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert _main(["export", "notes-1", "--to", "tensorboard", "--lab", "lab"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "pip install 'charrnn-tui[tensorboard]'" in captured.err
    assert not Path("notes-1-export").exists()
