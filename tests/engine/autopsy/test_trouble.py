"""The trouble in a run that there is to explain."""

from __future__ import annotations

import pytest

from engine.autopsy.trouble import Trouble, begins, find_trouble, recorded
from engine.diagnosis.record import Record
from engine.events import Change, Note, NoteKind, Point, Stored
from engine.settings import Settings

LETTERS, CEILING = 3.3, 4.2


def point(update: int, loss: float) -> Point:
    return Point(update, 100 * update, update / 10, loss, 0.5, 0.6, 0.0, (), 4e-3, 5)


def points(*levels: tuple[int, float]) -> list[Point]:
    """A number of points at each level, five updates apart."""
    losses = [loss + 0.01 * (place % 3) for count, loss in levels for place in range(count)]
    return [point(5 * number, loss) for number, loss in enumerate(losses, start=1)]


def record(*events: Stored) -> Record:
    return recorded(Settings(), events)


def trouble(found: Record, floor: float | None = LETTERS) -> Trouble | None:
    return find_trouble(found, CEILING, floor)


def test_a_climb_has_a_last_good_update_and_one_by_which_it_shows() -> None:
    found = trouble(record(*points((20, 2.0), (20, 3.0))))
    assert found is not None
    assert found.since == 100
    assert 100 < found.shown < 130
    assert found.chars == 100 * found.shown
    assert found.before is not None
    assert abs(found.before - 2.0) < 0.05
    assert found.broken == ""


def test_a_run_that_learns_has_no_trouble() -> None:
    assert trouble(record(*points((10, 3.0), (10, 2.5), (40, 2.0)))) is None


def test_a_fresh_network_that_is_worse_than_its_letters_has_climbed_from_there() -> None:
    bad = record(*points((60, 3.9)))
    found = trouble(bad)
    assert found is not None
    assert found.since == 0
    assert found.before == pytest.approx(LETTERS)
    assert trouble(bad, floor=None) is None


def test_an_update_that_was_not_made_is_trouble_of_its_own() -> None:
    found = trouble(record(*points((20, 2.0)), Note(100, 10_000, NoteKind.NOT_FINITE, "the loss is nan")))
    assert found is not None
    assert (found.since, found.shown, found.broken) == (100, 101, "the loss is nan")


def test_what_was_undone_is_none() -> None:
    events: list[Stored] = [*points((60, 2.0), (20, 3.5)), Note(400, 40_000, NoteKind.NOT_FINITE, "the loss is nan")]
    events.append(Note(300, 30_000, NoteKind.UNDO, "back at update 300"))
    assert trouble(record(*events)) is None
    changed = recorded(Settings(), [Change(50, 5_000, 1, "lr", "0.004", "0.1"), Note(20, 2_000, NoteKind.UNDO, "back")])
    assert changed.changes == []


def test_of_a_short_run_everything_is_looked_at() -> None:
    found = trouble(record(*points((3, 2.0))), floor=None)
    assert found == Trouble(0, 15, 1_500, None, "", sure=False)


def test_a_training_knows_since_when_its_loss_climbs() -> None:
    assert begins(points((20, 2.0), (20, 3.0)), CEILING) == 100
    assert begins(points((40, 2.0)), CEILING) is None
