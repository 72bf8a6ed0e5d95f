"""Runs of other people's loops come out as our own do."""

from __future__ import annotations

from pathlib import Path

from engine.events import Change
from engine.recording.copying import copy_all
from tests.engine.recording.journals import BEGIN, Journal, change, point, settings, training, undo
from tests.tui.export.labs import data_of


def test_a_knob_that_only_the_programs_optimiser_has_comes_out(tmp_path: Path) -> None:
    turned = [change(2, 1, "0.9", "0.8", "momentum"), change(3, 2, "0.999", "0.99", "beta2"), undo(3, 1)]
    journal = Journal(tmp_path, BEGIN, training(), settings(), point(1), point(2), *turned, point(4))
    journal.end()
    copy_all(tmp_path)
    data = data_of(tmp_path, "train-1")
    assert [each.knob for each in data.events if isinstance(each, Change)] == ["momentum", "beta2"]
    assert [each.new for each in data.events if isinstance(each, Change)] == ["0.8", "0.99"]
