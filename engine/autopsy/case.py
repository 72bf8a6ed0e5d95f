"""The case of an autopsy: everything that it needs to know of a run in the lab."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.autopsy.trouble import Trouble, find_trouble, recorded
from engine.budget import Budget
from engine.checkpoints import checkpoint
from engine.checkpoints.checkpoint import Origin
from engine.checkpoints.ring import kept_in
from engine.checkpoints.saver import BROKEN, LATEST
from engine.diagnosis.record import Record
from engine.errors import UserError
from engine.events import Change, Point
from engine.lab import Lab, Run
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.text.progress import Tell
from engine.text.source import check_source, read_text

CEILING_OVER_LETTERS = 0.5
"""The least height of the ceiling above the loss of a fresh network, in nats per character. A climb needs room."""

CEILING_UNKNOWN = 1.0
"""The ceiling in nats per character where nothing is known of the text's letters, or the text has only one."""

PLACED_EARLY = 0.25
"""How far the beginning of a climb may be placed too early, as a share of the time until it shows."""


@dataclass(frozen=True, slots=True)
class Start:
    """A state to replay from: that of a file, or without a path the fresh network that the run began with."""

    update: int
    path: Path | None


@dataclass(frozen=True, slots=True)
class Case:
    """A run whose loss climbed, or whose numbers broke.

    Attributes:
        run: the run's name.
        chars: the characters that it was trained on.
        corpus: its text.
        settings: the settings at its start, with the number type that it was trained in.
        trouble: the trouble to explain.
        starts: the states to replay from, in the order in which they are tried.
        changes: the changes of knobs, oldest first, without the undone ones.
        points: its points, likewise.
        course: the budget along which its learning rate fell.
        letters: the loss of a network that knows only how often each character occurs, in nats per character.
        ceiling: the loss of a network that knows nothing, likewise.
    """

    run: str
    chars: int
    corpus: Corpus
    settings: Settings
    trouble: Trouble
    starts: tuple[Start, ...]
    changes: tuple[Change, ...]
    points: tuple[Point, ...]
    course: Budget
    letters: float
    ceiling: float

    def level(self, update: int) -> float | None:
        """The last loss that the run recorded up to an update, in nats per character; None where there is none."""
        return next((point.loss for point in reversed(self.points) if point.update <= update), None)


def open_case(folder: Path, key: str, text: str | None, progress: Tell) -> Case:
    """Read the case of a run from the lab, and its text.

    Raises UserError where nothing climbed, no state from before the climb is kept, or the text is a different one.
    """
    with Lab.open_existing(folder) as lab:
        run = lab.runs.own(key)
        record, checkpoints = _record(lab, run), lab.runs.checkpoint_folder(run)
    check_trouble(run, record)
    origin = _origin(run, checkpoints)
    source = text or origin.source
    check_source(source)
    corpus, _ = read_text(source, None, record.settings, folder, progress)
    if corpus.digest != run.digest:
        raise UserError(f"{corpus.name} is not the text that {run.name} was trained on: name the same text with --text")
    return _case(run, record, corpus, origin.budget, checkpoints)


def case_of(lab: Lab, run: Run, corpus: Corpus, budget: Budget) -> Case:
    """The case of a run that is open, with its text and budget; raises UserError as `open_case` does."""
    now = lab.runs.get(run.name)
    return _case(now, _record(lab, run), corpus, budget, lab.runs.checkpoint_folder(run))


def check_trouble(run: Run, record: Record) -> Trouble:
    """The trouble of a run; raises UserError where there is none."""
    letters, ceiling = _bounds(record)
    trouble = find_trouble(record, ceiling, letters if _fresh(run, record) and math.isfinite(letters) else None)
    if trouble is None:
        raise nothing(run.name)
    return trouble


def nothing(run: str) -> UserError:
    """The error for a run in which there is nothing to explain."""
    return UserError(f"the loss of {run} has not climbed, and nothing broke: there is nothing to dissect")


def _record(lab: Lab, run: Run) -> Record:
    return recorded(Settings.from_plain(run.settings), lab.events.all(run))


def _case(run: Run, record: Record, corpus: Corpus, budget: Budget, checkpoints: Path) -> Case:
    trouble = check_trouble(run, record)
    letters, ceiling = _bounds(record)
    settings = _as_computed(Settings.from_plain(run.settings), run.compute)
    starts = find_starts(run, trouble, checkpoints)
    course = _course(budget, run)
    return Case(
        run.name,
        run.chars,
        corpus,
        settings,
        trouble,
        starts,
        tuple(record.changes),
        tuple(record.points),
        course,
        letters,
        ceiling,
    )


def find_starts(run: Run, trouble: Trouble, checkpoints: Path) -> tuple[Start, ...]:
    """The newest state before the trouble, then states after it; raises UserError where no state is early enough.

    Damage that happens between two states is in the second one. Where the points show no climb, every later state is
    tried.
    """
    kept = kept_in(checkpoints)
    before = [Start(each.update, each.path) for each in kept if each.update <= trouble.since]
    later = [Start(each.update, each.path) for each in kept if each.update > trouble.since]
    if run.parent is None and not any(start.update == 0 for start in before):
        before.insert(0, Start(0, None))
    last = checkpoints / (BROKEN if trouble.broken else LATEST)
    if last.exists():
        later.append(Start(trouble.shown, last))
    if not before and not trouble.sure:
        before = [later.pop(0)] if later else []  # nothing says that it was already wrong there
    if not before and later:
        # A fork's first state is where its trouble may begin.
        latest = trouble.since + PLACED_EARLY * (trouble.shown - trouble.since)
        before = [later.pop(0)] if later[0].update <= latest else []
    if not before:
        raise UserError(
            f"no state of {run.name} from before update {trouble.since:,} is kept: resume the run, and the next climb "
            "can be dissected"
        )
    return (before[-1], *(later[:1] if trouble.sure else later))


def _bounds(record: Record) -> tuple[float, float]:
    """The losses of a network that knows the letters' frequencies, and of one that knows nothing."""
    facts = record.reading("text_facts")
    letters, distinct = facts.get("letter_entropy"), facts.get("distinct")
    known = float(letters) if isinstance(letters, int | float) else math.inf
    ceiling = math.log(distinct) if isinstance(distinct, int | float) and distinct > 1 else CEILING_UNKNOWN
    return known, max(ceiling, known + CEILING_OVER_LETTERS) if math.isfinite(known) else ceiling


def _fresh(run: Run, record: Record) -> bool:
    """Whether the record begins with a fresh network: that of a fork may begin with its parent's past."""
    return run.parent is None or any(point.update == point.updates for point in record.points[:1])


def _as_computed(settings: Settings, compute: str) -> Settings:
    """The settings, with the number type that was chosen in place of `auto`."""
    if settings.dtype != "auto":
        return settings
    return replace(settings, dtype="bfloat16" if "bf16" in compute else "float32")


def _origin(run: Run, checkpoints: Path) -> Origin:
    """The origin that a run's checkpoints name; raises UserError where none of them is whole."""
    paths: Sequence[Path] = [
        *checkpoints.glob("*.safetensors"),
        *(each.path for each in reversed(kept_in(checkpoints))),
    ]
    for path in paths:
        try:
            return checkpoint.load(path).origin
        except UserError:
            continue
    raise UserError(f"run {run.name} has no checkpoint that is whole: nothing says where its text is")


def _course(budget: Budget, run: Run) -> Budget:
    """The budget, with its seconds converted to the characters that were read in that time."""
    if budget.seconds is None:
        return budget
    whole = round(run.chars * budget.seconds / run.seconds) if run.seconds else None
    ends = [end for end in (budget.chars, whole) if end]
    return Budget(updates=budget.updates, chars=min(ends, default=None))
