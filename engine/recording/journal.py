"""The events of a watched run, as its journal has them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from charrnn.journal import is_held, records

from engine.diagnosis.watched import UNKNOWN
from engine.errors import UserError
from engine.events import (
    HUGE,
    Change,
    CheckpointKind,
    End,
    Event,
    Note,
    NoteKind,
    Number,
    Point,
    Probe,
    Reading,
    RunStatus,
    Saved,
    Start,
    Validation,
)
from engine.recording.codec import event_of
from engine.recording.evaluations import Evaluations
from engine.settings import PlainValue, Settings

OPTIMISERS: Mapping[str, str] = {"adam": "adam", "adamw": "adamw", "rmsprop": "rmsprop", "sgd": "sgd", "nadam": "adam"}
"""Our names of optimisers, by the names of torch's classes in small letters."""

PLAIN = frozenset(UNKNOWN.plain())
"""The names of our settings."""

LARGEST = 2**62
"""The largest number of updates or targets that is believed: the lab can store no larger ones."""

CHANGES = 2.0
"""By what factor the targets of an update must change before that is told."""

STEADY = 0.9
"""The share of the longest window that the mean must be, so that all count as alike."""

BY_HAND = "by hand"
"""The optimiser of a program that makes its updates itself. Its learning rate may be unknown: it is 0 then."""

USUAL_MOMENTUM = 0.9
"""The momentum of our own sgd."""

RISES = 1.05
"""By how much a learning rate must rise before another setting is told. In a warm-up it rises at each update."""


class WatchedRun:
    """Reads a journal as it grows, and turns its records into the events of a run.

    A program may have several optimisers, which update in turn. The run's updates are those of the one that updates
    the most parameters; the others are only named.

    Attributes:
        name: the run's name, which is that of its journal.
        start: what is known of the run since its first update; None before that.
        paused: whether the program waits for a command.
        ended: whether the program has said that it ends.
        failed: whether an exception has ended it.
        process: the number of its process.
        replies: the replies to commands, by their tickets: the text, and whether it was refused.
        settings: what is known of the program's own settings, as text by our names.
        program: the program's name; the text's, where the training is ours.
        own: the name of the run in the lab where the training is ours; None for a program's own loop.
        changes: the changes that are not undone, oldest first.
        ours: the settings with which `charrnn-tui train` trains the same network, and the number of its entries; None
            where it is none of ours, or that is not known yet.
        last: the last point.
        validation: the last validation loss; None before the first.
    """

    def __init__(self, folder: Path) -> None:
        self.name = folder.name
        self.start: Start | None = None
        self.paused = False
        self.ended = self.failed = False
        self.process = 0
        self.replies: dict[str, tuple[str, bool]] = {}
        self.settings: dict[str, str] = {}
        self.last = Point(0, 0, 0.0, math.nan, 0.0, 0.0, 0.0, (), 0.0, 0)
        self.validation: float | None = None
        self.program = ""
        self.own: str | None = None
        self.ours: tuple[Settings, int] | None = None
        self._folder = folder
        self._reader = records(folder)
        self.changes: list[Change] = []
        self._sizes: dict[int, tuple[bool, int]] = {}
        self._by_hand: set[int] = set()
        self._before = (0, 0)
        self._shown: int | None = None
        self._matrices: dict[int, tuple[str, ...]] = {}
        self._own_clip, self._sets_clip = "off", False
        self._per_update = 0
        self._longest = 0
        self._written: dict[str, str] = {}
        self._entries: int | None = None
        self._is_plain, self._compute = False, ""
        self._evaluations, self._tells_left = Evaluations(), False

    @property
    def place(self) -> int:
        """The bytes of the journal that were read."""
        return self._reader.place

    def new(self) -> Iterator[Event]:
        """The events since the last call. Raises OSError where the journal cannot be read."""
        for record in self._reader.new():
            try:
                yield from self._events(record)
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, UserError):
                continue  # Another version wrote it, or something else did: the other records say what they say.

    def has_ended(self) -> bool:
        """Whether the program has said that it ends, or is gone."""
        return self.ended or not is_held(self._folder)

    def changes_at(self, update: int) -> int:
        """The number of changes up to an update that are not undone."""
        return max((each.number for each in self.changes if each.update <= update), default=0)

    def end(self, reason: RunStatus) -> End:
        """The end of the run, whose process has ended."""
        last = self.last
        return End(reason, self.name, None, last.update, last.chars, last.seconds, self.validation)

    def _events(self, record: Mapping[str, Any]) -> Iterator[Event]:
        last = self.last
        match record["record"]:
            case "begin":
                self.program, self.process = str(record["program"]), int(record["process"])
                self.own = str(record["own"]) if "own" in record else None
            case "event":
                yield self._told(record)
            case "training":
                yield from self._training(record)
            case "shown":
                self._shown = int(record["training"])
            case "settings" if self._is_main(record):
                self._take_settings(record["groups"])
            case "point" if self._is_main(record):
                yield from self._point(record)
            case "validation":
                yield from self._validation(record)
            case "probe":
                values = _reading(record["values"])
                yield Probe(*self._place(record), str(record["instrument"]), float(record["seconds"]), values)
            case "source" | "fact" | "exception" | "sequence" as kind:
                values = _reading({name: each for name, each in record.items() if name != "record"})
                self.failed |= kind == "exception"
                yield Probe(last.update, last.chars, f"loop_{kind}", 0.0, values)
                if kind == "sequence":
                    yield from self._ours(record)
            case "change":
                yield from self._change(record)
            case "saved":
                yield Saved(*self._place(record), CheckpointKind.KEY, str(record["path"]))
            case "undo":
                yield from self._undo(record)
            case "broken" if self._is_main(record):
                update = self._before[0] + int(record["update"])
                yield Note(update, last.chars, NoteKind.NOT_FINITE, str(record["text"]))
            case "status":
                self.paused = record["status"] == "paused"
            case "reply":
                self.replies[str(record["ticket"])] = str(record["text"]), bool(record["failed"])
            case "end":
                self.ended = True
            case "trouble":
                says = "Watching has ended, since something of it failed; the program goes on: "
                line = str(record["trouble"]).strip().splitlines()[-1]
                yield Note(last.update, last.chars, NoteKind.OTHER, says + line)

    def _told(self, record: Mapping[str, Any]) -> Event:
        """An event of a training of ours, as its session told it."""
        event = event_of(str(record["kind"]), record["values"])
        match event:
            case Start():
                self.start = event
            case Point():
                self.last = event
            case Validation():
                self.validation = event.loss
            case Change():
                self.changes.append(event)
            case Note(kind=NoteKind.UNDO):
                self._go_back(event, self._changes_before(event))
            case _:
                pass
        return event

    def _training(self, record: Mapping[str, Any]) -> Iterator[Event]:
        number, size, optimizer = int(record["training"]), int(record["parameters"]), str(record["optimizer"])
        self._sizes[number] = bool(record.get("chosen")), size
        if optimizer == BY_HAND:
            self._by_hand.add(number)
        known = OPTIMISERS.get(optimizer.lower(), "")
        if self._is_main(record):
            form = dict(record.get("form", {}))
            self._entries = form.pop("entries", None)
            self.settings = {**({"optimizer": known} if known else {}), **{name: str(form[name]) for name in form}}
            # As in a cell of a notebook that is run again: its updates follow those before.
            self._before = self.last.update, self.last.chars
            self._own_clip, self._sets_clip = "off", False
            self._evaluations = Evaluations()
        network, compute = str(record.get("network", "")), str(record.get("compute", ""))
        self._compute = compute if self._is_main(record) else self._compute
        matrices = tuple(map(str, record.get("matrices", ())))
        if self.start is None:
            settings: dict[str, PlainValue] = {"optimizer": optimizer}
            self.start = Start(
                self.name, None, self.program, network, size, compute, self.last.update, 0, settings, matrices, ()
            )
            yield self.start
        elif self._is_main(record):
            # The run stays the same; of other matrices it has no room for norms.
            self.start = replace(self.start, network=network, parameters=size, compute=compute)
        self._matrices[number] = matrices
        if number > 1:
            says = f"Another optimiser: {optimizer}, of {size:,} parameters."
            yield Note(self.last.update, self.last.chars, NoteKind.OTHER, says)

    def _is_by_hand(self, record: Mapping[str, Any]) -> bool:
        return int(record["training"]) in self._by_hand

    def _take_settings(self, groups: list[Mapping[str, Any]]) -> None:
        """The highest learning rate so far is the setting: what is below it is a warm-up or a schedule."""
        first = groups[0]
        # With our sgd momentum is 0.9, and all weights have one rate.
        usual = self.settings.get("optimizer") != "sgd" or first.get("momentum") == USUAL_MOMENTUM
        self._is_plain = usual and len({_number(group["lr"]) for group in groups}) == 1 and "float32" in self._compute
        for name in ("weight_decay", "momentum"):
            if name in first:
                self.settings[name] = f"{max(float(group.get(name, 0)) for group in groups):.6g}"
        if "betas" in first:
            self.settings |= {f"beta{place}": f"{float(beta):.6g}" for place, beta in enumerate(first["betas"], 1)}
        if (rate := _number(first["lr"])) > RISES * float(self.settings.get("lr", 0)):
            self.settings["lr"] = f"{rate:.6g}"

    def _tell_settings(self) -> Iterator[Event]:
        if self.settings != self._written and self.start is not None:
            self._written = dict(self.settings)
            training = max(self._sizes, default=1) if self._shown is None else self._shown
            values: Reading = {
                **self.settings,
                "training": training,
                "optimizers": len(self._sizes),
                "targets_per_update": self._per_update,
                "by_hand": int(training in self._by_hand),
            }
            yield Probe(self.last.update, self.last.chars, "program", 0.0, values)

    def _ours(self, record: Mapping[str, Any]) -> Iterator[Event]:
        """Say once which command trains the same network, where it learns the next characters as ours do."""
        streams, entries = record.get("sequences"), self._entries
        if entries is None or record["shift"] != 1 or not streams or "bptt" not in self.settings or not self._is_plain:
            return
        self._entries = None
        self.settings["streams"] = str(streams)
        self.ours = watched_settings(self.settings), entries
        options = " ".join(
            f"--{name.replace('_', '-')} {self.settings[name]}"
            for name in self.ours[0].plain()
            if name in self.settings and self.settings[name] != Settings().write(name)
        )
        says = f"`charrnn-tui train TEXT {options} --warmup 0` trains such a network with these settings."
        yield Note(self.last.update, self.last.chars, NoteKind.OTHER, says)

    def _point(self, record: Mapping[str, Any]) -> Iterator[Event]:
        """A point. A norm that was not measured is the last one, and a loss that is unknown makes none."""
        last = self.last
        norm, highest = record["grad_norm"], record["grad_norm_max"]
        by_hand = self._is_by_hand(record)
        loss, rate = _number(record["loss"]), 0.0 if by_hand and record["lr"] is None else float(record["lr"])
        bound = record["clip"]
        clip = "off" if bound is None or float(bound) >= HUGE else f"{float(bound):.6g}"
        if not self._sets_clip:
            self._own_clip = clip
        self.settings["clip"] = clip
        if (longest := record.get("bptt_max")) is not None:
            self._take_window(int(longest), float(record["bptt"]))
        update, targets = int(record["update"]), int(record["targets"])
        if update and not 1 / CHANGES < targets / update / max(1, self._per_update) < CHANGES:
            self._per_update = targets // update
            self._written.clear()
        yield from self._tell_settings()
        clipped, factor = float(record["clipped"]), float(record.get("clip_factor", 1.0))
        cut = 1 - clipped + clipped * factor
        place, chars = self._place(record)
        self.last = Point(
            update=place,
            chars=chars,
            seconds=float(record["seconds"]),
            loss=loss,
            grad_norm=_number(norm, last.grad_norm),
            grad_norm_max=_number(highest, last.grad_norm),
            clipped=clipped,
            norms=self._norms(int(record["training"]), record.get("norms")),
            lr=rate,
            updates=int(record["updates"]),
            clip_factor=factor,
            # Adam and its like divide by the gradient's size, whatever it is.
            rate_used=rate * (cut if self.settings.get("optimizer") == "sgd" or self._is_by_hand(record) else 1.0),
        )
        if abs(loss) < HUGE:
            yield self.last

    def _validation(self, record: Mapping[str, Any]) -> Iterator[Event]:
        """A validation loss, where it is known which of the program's losses without gradient that is."""
        if "sets" not in record:  # As older versions wrote it.
            self.validation = float(record["loss"])
            yield Validation(self.last.update, self.last.chars, self.validation)
            return
        loss = self._evaluations.take(record["sets"])
        if (left := self._evaluations.left_out) and not self._tells_left:
            self._tells_left = True
            says = "Not all losses without gradient are of one set: "
            chosen = "none is taken for the validation" if loss is None else "the validation leaves out"
            yield Note(*self._place(record), NoteKind.OTHER, f"{says}{chosen} {', '.join(left)}.")
        if loss is not None and math.isfinite(loss):
            self.validation = loss
            yield Validation(*self._place(record), loss)

    def _take_window(self, longest: int, mean: float) -> None:
        """The steps that the gradient goes back, as our setting says it: such as 64, or 1-100 where it varies."""
        self._longest = max(self._longest, longest)
        varies = mean < STEADY * self._longest
        self.settings["bptt"] = f"1-{self._longest}" if varies else str(self._longest)

    def _change(self, record: Mapping[str, Any]) -> Iterator[Event]:
        knob = str(record["knob"])
        old, new = (self._own(knob) if each == "own" else str(each) for each in (record["old"], record["new"]))
        if knob in PLAIN:
            UNKNOWN.with_text(knob, new)  # Of a value that our setting cannot have, nobody is told.
        if knob == "clip":
            self._sets_clip = record["new"] != "own"
        self.settings[knob] = self._written[knob] = new
        self._longest = 0
        change = Change(*self._place(record), int(record["number"]), knob, old, new)
        self.changes.append(change)
        yield change

    def _own(self, knob: str) -> str:
        """The program's own value of a knob."""
        return self._own_clip if knob == "clip" else self.settings.get(knob, "off")

    def _undo(self, record: Mapping[str, Any]) -> Iterator[Event]:
        note = Note(*self._place(record), NoteKind.UNDO, str(record["text"]))
        self._go_back(note, int(record["changes"]))
        yield note
        self._written.clear()

    def _go_back(self, note: Note, changes: int) -> None:
        """The training is where it was before, after so many changes."""
        for undone in reversed([each for each in self.changes if each.number > changes]):
            self.settings[undone.knob] = undone.old
            self._sets_clip &= undone.knob != "clip"
        self.changes = [each for each in self.changes if each.number <= changes]
        self.last = replace(self.last, update=note.update, chars=note.chars)

    def _changes_before(self, note: Note) -> int:
        """The number of changes before the one that a session of ours has undone, which its note names."""
        named = [each.number for each in self.changes if f"{each.knob} {each.old} → {each.new}" in note.text]
        earlier = [each.number for each in self.changes if each.update <= note.update]
        return named[-1] - 1 if named else max(earlier, default=0)

    def _place(self, record: Mapping[str, Any]) -> tuple[int, int]:
        """The updates and targets of a record. A program whose targets are unknown counts updates instead."""
        update, targets = int(record["update"]), int(record["targets"])
        if not (0 <= update < LARGEST and 0 <= targets < LARGEST):
            raise ValueError(f"update {update}")
        before, chars = self._before
        return before + update, chars + (targets or update)

    def _is_main(self, record: Mapping[str, Any]) -> bool:
        """Whether a record is of the optimiser that is shown: a chosen one, or of the most parameters; the newest."""
        if self._shown is not None and record["record"] != "training":
            return int(record["training"]) == self._shown
        return int(record["training"]) == max(self._sizes, key=lambda number: (self._sizes[number], number))

    def _norms(self, training: int, norms: object) -> tuple[float, ...]:
        """The norms of a point, in the order of the matrices that the run has begun with."""
        names = self.start.matrix_names if self.start is not None else ()
        if self._matrices.get(training) == names and isinstance(norms, list) and len(norms) == len(names):
            return tuple(_number(each) for each in norms)
        return self.last.norms or (0.0,) * len(names)


def watched_settings(known: Mapping[str, str]) -> Settings:
    """The settings of a watched run, as far as its own have our names; clipping is off where it is unknown."""
    settings = UNKNOWN
    for name, text in known.items():
        if name in PLAIN:
            try:
                settings = settings.with_text(name, text)
            except UserError:
                continue  # A value that ours cannot have, such as a rate of 0.
    return settings


def _number(value: object, unknown: float = math.nan) -> float:
    return float(value) if isinstance(value, int | float) else unknown


def _reading(values: Mapping[str, Any]) -> Reading:
    """Values as a reading holds them; what it cannot hold is left out."""
    found: dict[str, Number | str | tuple[Number, ...] | tuple[str, ...]] = {}
    for name, value in values.items():
        if isinstance(value, list):
            found[name] = tuple(value)
        elif isinstance(value, int) and abs(value) > LARGEST:
            found[name] = float(value)
        elif value is None or isinstance(value, str | int | float):
            found[name] = value
    return found
