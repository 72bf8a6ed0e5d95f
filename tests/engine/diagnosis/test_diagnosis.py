"""Findings begin, hold and end; undo takes them back; a stored run gives the same findings as its training."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from engine.budget import Budget
from engine.diagnosis import through_time
from engine.diagnosis.diagnosis import RULES, Diagnosis, diagnose
from engine.events import (
    Change,
    End,
    Event,
    Finding,
    Note,
    NoteKind,
    Point,
    Probe,
    Reading,
    Severity,
    Start,
    Stored,
    Suspicion,
    Trial,
)
from engine.instruments.timetable import Schedule
from engine.lab import Lab
from engine.recording.recorder import Recorder
from engine.session.commands import Command, Quit, Undo
from engine.session.job import Job, NewRun
from engine.session.session import Session
from engine.settings import Settings
from engine.windows import LengthLaw
from tests.conftest import new_run, small, turn

FACTS = Probe(0, 0, "text_facts", 0.0, {"letter_entropy": 3.0, "pair_entropy": 2.4, "characters": 10**9})


def point(update: int, loss: float, **changes: float) -> Point:
    values = {"clipped": 0.0, "worst_loss": loss, "rate_used": 4e-3, **changes}
    return Point(update, 1024 * update, update / 10, loss, 0.5, 0.6, norms=(), lr=4e-3, updates=5, **values)


def look(update: int, seen: float, ratio: float = 0.003, **gates: float) -> list[Stored]:
    chars = 1024 * update
    missed = (0.2, *(0.0,) * 127)
    control: Reading = {
        "seen": seen,
        "held_out": seen,
        "missed": missed,
        "by_region": (seen,) * 4,
        "regions": (0.1, 0.2, 0.3, 0.4),
    }
    readings: dict[str, Reading] = {
        "update_ratio": {"whole": ratio},
        "agreement": {"share": 0.1},
        "gates": {"share": 0.2, "frozen": 0.0, **gates},
        "gradient_by_lag": {"relative": (1.0, 0.5, 0.2)},
        "numerics": {"gradient_error": 1e-6},
        "control": control,
    }
    return [Probe(update, chars, name, 0.01, values) for name, values in readings.items()]


def course(losses: dict[int, float], **changes: float) -> list[Stored]:
    """A look every ten updates, and two points before it."""
    events: list[Stored] = [FACTS]
    for update, loss in losses.items():
        events += [point(update - 5, loss), point(update, loss), *look(update, loss, **changes)]
    return events


def falling(update: int) -> float:
    return 3.0 - 0.001 * update


def test_a_training_that_learns_has_no_finding() -> None:
    assert diagnose(Settings(), course({update: falling(update) for update in range(10, 1200, 10)})) == []


def sick(first: int = 300, last: int = 1200) -> list[Stored]:
    return course({update: 5.0 if first <= update < last else falling(update) for update in range(10, 2400, 10)})


def test_a_finding_begins_once_and_ends_once() -> None:
    events = sick()
    found = diagnose(Settings(), events)
    assert [finding.cause for finding in found] == ["learning-rate-too-high"]
    (finding,) = found
    assert 300 <= finding.found_update <= 450
    assert finding.until_update is not None
    assert 1200 <= finding.until_update + 100 <= 1600
    assert finding.trial == Trial("lr", "0.0004")
    assert finding.evidence["letter_entropy"] == 3.0


def test_a_finding_does_not_end_before_three_samples_without_it() -> None:
    diagnosis = Diagnosis(Settings())
    for event in sick(last=320):
        if diagnosis.findings and isinstance(event, Probe) and event.instrument == "control":
            continue
        if event.update >= 900:
            break
        diagnosis.take(event)
    # Points and update ratios go on, and the loss is as it should be: but nothing was read at fixed places since.
    assert [each.until_update for each in diagnosis.findings] == [None]
    for event in sick(last=320):
        if event.update >= 900:
            diagnosis.take(event)
    assert [each.until_update is None for each in diagnosis.findings] == [False]


def test_what_is_told_is_what_the_findings_are() -> None:
    diagnosis = Diagnosis(Settings())
    told = [finding for event in sick() for finding in diagnosis.take(event)]
    assert [finding.until_update is None for finding in told] == [True, False]
    assert told[-1] == diagnosis.findings[0]


def test_going_back_takes_findings_back() -> None:
    diagnosis = Diagnosis(Settings())
    events = [event for event in sick() if event.update <= 900]
    for event in events:
        diagnosis.take(event)
    assert len(diagnosis.findings) == 1
    diagnosis.take(Note(250, 0, NoteKind.UNDO, "back"))
    assert diagnosis.findings == []
    for event in events:
        if event.update > 250:
            diagnosis.take(event)
    assert diagnosis.findings == diagnose(Settings(), events)


def test_what_is_left_of_a_finding_is_what_it_was(tmp_path: Path) -> None:
    with Lab.open(tmp_path) as lab:
        run = new_run(lab)
        recorder = Recorder(lab, run, None)
        events = sick()
        for event in events:
            if event.update <= 900:
                recorder.record(event)
        recorder.flush(everything=True)
        before = diagnose(Settings(), lab.events.all(run))
        assert [found.cause for found in before] == ["learning-rate-too-high"]
        recorder.record(Change(900, 0, 1, "lr", "0.004", "400"))
        for event in events:
            if 900 < event.update <= 1190:
                recorder.record(event)
        assert recorder.diagnosis.findings != before
        recorder.go_back(900, 0)
        recorder.record(Note(900, 0, NoteKind.UNDO, "back"))
        assert recorder.diagnosis.findings == before


def test_what_points_alone_show_waits_for_no_reading() -> None:
    diagnosis = Diagnosis(Settings(clip=1e-4, optimizer="sgd"))
    cut = {"clipped": 1.0, "clip_factor": 1e-4, "rate_used": 4e-7}
    by_lag = [Probe(update, 0, "gradient_by_lag", 0.01, {"relative": (1.0, 0.5, 0.2)}) for update in (5, 10)]
    found = []
    events: list[Stored] = [FACTS, *by_lag, *(point(update, 3.2, **cut) for update in range(11, 60))]
    for event in events:
        found += [(finding.cause, finding.found_update) for finding in diagnosis.take(event)]
    assert found == [("clip-too-tight", 20)]
    # It begins no later than it is found, though the warm-up ends later.
    assert diagnosis.findings[0].since_update <= 20


def test_a_turned_knob_calls_for_a_reading_that_tells_whether_it_has_helped() -> None:
    treated, left = Diagnosis(Settings()), Diagnosis(Settings())
    for diagnosis in (treated, left):
        for event in sick():
            diagnosis.take(event)
            if diagnosis.findings:
                break
    now = treated.findings[0].found_update
    treated.take(Change(now + 1, 0, 1, "lr", "0.004", "0.0004"))
    for diagnosis in (treated, left):
        diagnosis.take(point(2 * now, 2.7))
    assert "control" not in left.awaited
    assert "control" in treated.awaited
    for update in (2 * now + 1, 2 * now + 2, 2 * now + 3):
        treated.take(Probe(update, 0, "control", 0.1, {"seen": 9.0, "held_out": 9.0}))
    treated.take(point(4 * now, 9.0))
    assert treated.findings[0].until_update is None
    assert "control" not in treated.awaited


def test_readings_are_called_for_until_they_suffice_to_end_a_finding() -> None:
    diagnosis = Diagnosis(Settings())
    for event in sick(last=10_000):
        diagnosis.take(event)
    diagnosis.take(Change(2_400, 0, 1, "dropout", "0", "0.1"))
    # The first readings still show the symptom, and then come few.
    for event in course(dict.fromkeys(range(2410, 2610, 10), 5.0))[1:]:
        diagnosis.take(event)
    assert "control" not in diagnosis.awaited
    updates = iter(range(2_610, 10_000, 10))
    for update in updates:
        diagnosis.take(point(update, 2.0))
        if "control" in diagnosis.awaited:
            diagnosis.take(look(update, 2.0)[-1])
        if diagnosis.findings[0].until_update is not None:
            break
    assert diagnosis.findings[0].until_update is not None
    assert "control" not in diagnosis.awaited


def test_a_look_after_a_point_does_not_count_what_readings_show() -> None:
    settings, events = Settings(), [event for event in sick() if event.update <= 310]
    diagnosis = Diagnosis(settings)
    for event in events:
        diagnosis.take(event)
    readings = [event for event in events if isinstance(event, Probe)]
    begun = len(diagnosis.findings)
    # The loss of what is read is usual again; that at fixed places is still the last reading.
    for update in range(311, 400):
        diagnosis.take(point(update, 2.7))
    assert (len(diagnosis.findings), bool(readings)) == (begun, True)


def test_a_suspicion_waits_for_the_next_control_sample() -> None:
    diagnosis = Diagnosis(Settings())
    awaited = []
    for event in sick():
        if diagnosis.findings:
            break
        diagnosis.take(event)
        awaited.append((event.update, set(diagnosis.awaited)))
    assert [each for update, each in awaited if update < 300 if each] == []
    assert awaited[-2][1] == {"control"}


def test_what_waits_for_an_update_asks_for_no_reading_before_it() -> None:
    """Readings in advance would be missing when they tell something."""
    missed = (0.0,) * 19 + (0.5,) + (0.0,) * 108
    diagnosis = Diagnosis(Settings(bptt=LengthLaw.fixed(5)))
    diagnosis.take(FACTS)
    awaited: dict[int, frozenset[str]] = {}
    for update in range(10, 1500, 10):
        for event in (point(update, 1.5), *look(update, 1.5)):
            if isinstance(event, Probe) and event.instrument == "control":
                event = replace(event, values={**event.values, "missed": missed})
            diagnosis.take(event)
        awaited[update] = diagnosis.awaited
        if diagnosis.findings:
            break
    waited = through_time.BEYOND_AGE
    assert all(not each for update, each in awaited.items() if 50 <= update <= waited)
    assert any("control" in each for update, each in awaited.items() if update > waited)
    assert [each.cause for each in diagnosis.findings] == ["bptt-too-short"]


def test_a_suspicion_says_what_is_missing_and_goes_once_it_is_a_finding() -> None:
    diagnosis = Diagnosis(Settings())
    said: list[Suspicion] = []
    for event in sick():
        diagnosis.take(event)
        said += [each for each in diagnosis.suspicions if each not in said]
        if diagnosis.findings:
            break
    assert [each.cause for each in said] == ["learning-rate-too-high"] * len(said)
    assert [each.missing for each in said][:2] == ["2 more looks", "1 more look"]
    assert diagnosis.suspicions == ()
    # The update that the last one names is the one at which the finding may begin.
    assert said[-1].missing == f"update {diagnosis.findings[0].found_update:,}" or len(said) == 2


def test_an_open_finding_does_not_end_where_a_new_one_would_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = (0.0,) * 19 + (0.5,) + (0.0,) * 108
    events: list[Stored] = [FACTS]
    for update in range(10, 1500, 10):
        events.append(point(update, 1.5))
        events += [
            replace(each, values={**each.values, "missed": missed}) if each.instrument == "control" else each
            for each in look(update, 1.5)
            if isinstance(each, Probe)
        ]
    diagnosis = Diagnosis(Settings(bptt=LengthLaw.fixed(5)))
    for event in events:
        if event.update == 1000:
            monkeypatch.setattr(through_time, "BEYOND_AGE", 1_000_000)
        diagnosis.take(event)
    assert [(each.cause, each.until_update) for each in diagnosis.findings] == [("bptt-too-short", None)]


def test_a_broken_update_is_found_at_once_and_names_the_knob_that_was_turned() -> None:
    events: list[Stored] = [event for event in sick(5000) if event.update <= 500]
    events += [
        Change(500, 512_000, 1, "lr", "0.004", "100"),
        Note(503, 515_000, NoteKind.NOT_FINITE, "the loss is nan"),
    ]
    found = diagnose(Settings(), events)
    assert [finding.cause for finding in found] == ["non-finite"]
    assert found[0].trial == Trial("lr", "0.004")
    assert "lr 0.004 → 100" in found[0].says


def test_every_rule_says_when_it_is_silent() -> None:
    assert all("ilent" in (rule.__doc__ or "") for rule in RULES.values())


def test_nothing_is_found_in_nothing() -> None:
    assert diagnose(Settings(), []) == []
    assert diagnose(Settings(), [FACTS, *look(1, float("nan"))]) == []


def train_until_found(text: Path, lab: Path, **changes: object) -> tuple[End, list[Event]]:
    """Without a budget, whose end the rate would be annealed to; five minutes at most."""
    events: list[Event] = []

    def listen(event: Event) -> None:
        events.append(event)
        if isinstance(event, Finding) or (isinstance(event, Point) and event.seconds > 300):
            session.send(Quit())

    session = Session(Job(NewRun(str(text), small(**changes)), lab, interactive=True), listen)
    return session.run(), events


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


@pytest.fixture
def _looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every instrument measures at each third chance, however quick or slow the machine is."""
    asked: Counter[str] = Counter()

    def due(_schedule: Schedule, name: str, *_: float, **__: bool) -> bool:
        asked[name] += 1
        return asked[name] % 3 == 0

    monkeypatch.setattr(Schedule, "due", due)
    monkeypatch.setattr(Schedule, "goes_on", lambda *_, **__: True)


@pytest.mark.usefixtures("_looked_at_often")
def test_a_stored_run_has_the_findings_that_were_told(text: Path, lab: Path) -> None:
    end, events = train_until_found(text, lab, lr=1e-7)
    told = [event for event in events if isinstance(event, Finding)]
    assert told
    assert told[0].severity in tuple(Severity)
    assert told[0].severity != Severity.NOTE
    with Lab.open_existing(lab) as found:
        run = found.runs.get(end.run)
        stored = diagnose(Settings.from_plain(run.settings), found.events.all(run))
    begun = {(finding.cause, finding.since_update, finding.found_update) for finding in told}
    assert begun == {(finding.cause, finding.since_update, finding.found_update) for finding in stored}


@pytest.mark.usefixtures("_looked_at_often")
def test_instruments_at_work_leave_the_training_in_the_same_bits(
    text: Path, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from engine.checkpoints import checkpoint
    from engine.session import measuring

    def states(folder: Path) -> dict[str, torch.Tensor]:
        job = Job(NewRun(str(text), small(dropout=0.2)), folder, Budget(updates=90))
        events: list[Event] = []
        end = Session(job, events.append).run()
        measured.append({event.instrument for event in events if isinstance(event, Probe)})
        assert end.checkpoint is not None
        return checkpoint.load(Path(end.checkpoint)).state.tensors

    measured: list[set[str]] = []
    with_probes = states(lab)
    monkeypatch.setattr(measuring, "INSTRUMENTS", ())
    monkeypatch.setattr(measuring.Measuring, "begin", lambda _: None)
    monkeypatch.setattr(Schedule, "due", lambda *_, **__: False)  # A whole validation takes a control sample with it.
    without = states(tmp_path / "other")
    assert measured[0] > {"control", "update_ratio"}
    assert not measured[1]
    assert with_probes.keys() == without.keys()
    assert all(torch.equal(tensor, without[name]) for name, tensor in with_probes.items())


def test_a_try_is_undone(text: Path, lab: Path) -> None:
    def listen(event: Event) -> None:
        if isinstance(event, Start):
            commands: tuple[Command, ...] = (turn("lr", "1"), Undo(), turn("dtype", "auto"), Quit())
            for command in commands:
                session.send(command)

    session = Session(Job(NewRun(str(text), small(lr=1e-3)), lab, interactive=True), listen)
    session.run()
    with Lab.open_existing(lab) as found:
        changes = [event for event in found.events.all(found.runs.get("1")) if isinstance(event, Change)]
    assert [(change.knob, change.undone) for change in changes] == [("lr", True), ("dtype", False)]
