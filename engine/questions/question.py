"""A question, and what an answer to it consists of; loads in no time, since a command line lists the questions."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from engine.errors import UserError

ALL = "all"
"""Stands for every question, one after the other."""

SHARE, NATS, CHARS, TIMES = "share", "nats/char", "characters", "×"
"""Units of evidence; the empty one is that of a plain number."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that somebody who trains such a network asks.

    Attributes:
        name: as the user types it.
        asks: the question in words.
        fixes: the settings that its experiment chooses itself, so that the user cannot.
    """

    name: str
    asks: str
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the evidence.

    Attributes:
        what: what it is, in a few words.
        value: the number; None where it could not be measured, infinite where a training diverged.
        unit: one of the units above, or the empty one.
        low: the lower end of a 95 % interval that holds however often one looks; None where there is none.
        high: the upper end.
        seeds: how many networks it rests on; 0 where none was trained for it.
        source: what it was computed from in the lab.
    """

    what: str
    value: float | None
    unit: str = ""
    low: float | None = None
    high: float | None = None
    seeds: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question, with everything that it rests on.

    Attributes:
        answer: one sentence that begins with the answer: "Yes: …", "No: …", "Undecided: …", "Because …".
        reason: why, in at most two sentences. The numbers stand in `rows`.
        rows: the evidence.
        limits: what the answer does not tell, a sentence each.
        did: the experiment in one sentence.
        conditions: how the experiment was made: names and values, such as ("seeds", "5").
        races: the lab's races that the answer rests on.
        runs: the lab's runs that the answer rests on, without those of the races.
    """

    answer: str
    reason: str
    rows: tuple[Row, ...]
    limits: tuple[str, ...]
    did: str
    conditions: tuple[tuple[str, str], ...] = ()
    races: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()

    @property
    def says(self) -> str:
        """The answer and its reason in one paragraph."""
        return f"{self.answer} {self.reason}".strip()


TOO_LATE = "Undecided: nothing was measured in time."
"""The answer where not even the first training was done."""


QUESTIONS = (
    Question("clipping", "Is clipping helping?", ("clip",)),
    Question("climb", "Why does the loss climb, how is that possible?", ("streams", "bptt", "targets", "clip")),
    Question("bptt-40-vs-10", "Why does BPTT 40 fail where 10 works?", ("streams", "bptt", "targets")),
    Question("random-length", "Does drawing each window's length at random help?", ("streams", "bptt", "targets")),
    Question("norm-12", "Is a gradient norm of 12 exploding?", ("streams", "bptt", "targets")),
    Question("norm-0.05", "Is a gradient norm of 0.05 vanishing?", ("streams", "bptt", "targets")),
    Question("seq-len", "Is the seq_len dimension of nn.LSTM backpropagation through time?", ("streams", "targets")),
    Question("numerics", "How can I tell whether it is numerics?", ()),
)


def find(name: str) -> tuple[Question, ...]:
    """The question of that name, or with `all` every one; raises UserError, which suggests the nearest, for others."""
    if name == ALL:
        return QUESTIONS
    names = [question.name for question in QUESTIONS]
    if name in names:
        return (QUESTIONS[names.index(name)],)
    nearest = get_close_matches(name, [*names, ALL], 1)
    meant = f"is it {nearest[0]}?" if nearest else f"there are {', '.join(names)}, and {ALL}"
    raise UserError(f"there is no question {name}: {meant}")
