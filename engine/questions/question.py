"""The questions, and the parts of an answer; imports nothing slow, since the command line lists the questions."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from engine.errors import UserError

ALL = "all"
"""The name that stands for all questions, one after the other."""

SHARE, NATS, CHARS, TIMES = "share", "nats/char", "characters", "×"
"""The units of evidence; a plain number has an empty unit."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question about the training of a recurrent network.

    Attributes:
        name: its name, as the user types it.
        asks: the question in words.
        fixes: the settings that its experiment chooses itself, so that the user cannot give them.
    """

    name: str
    asks: str
    fixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One number of the evidence.

    Attributes:
        what: the number's meaning, in a few words.
        value: the number; None where it could not be measured, infinite where a training diverged.
        unit: one of the units above, or empty.
        low: the lower end of a 95 % interval, which stays valid however often one looks; None where there is none.
        high: the upper end of that interval.
        seeds: the number of networks that it rests on; 0 where none was trained for it.
        source: the race or the runs in the lab from which it was computed.
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
    """The answer to a question, with its evidence and its limits.

    Attributes:
        answer: one sentence that begins with the answer: "Yes: …", "No: …", "Undecided: …", "Because …".
        reason: the reason, in at most two sentences; the numbers are in `rows`.
        rows: the evidence.
        limits: the limits of the answer, one sentence each.
        did: the experiment in one sentence.
        conditions: the conditions of the experiment, as names and values such as ("seeds", "5").
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
"""The answer where not even the first training was done in time."""


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
    """The question with this name, or every question for `all`.

    Raises UserError, which suggests the nearest name, where there is no such question.
    """
    if name == ALL:
        return QUESTIONS
    names = [question.name for question in QUESTIONS]
    if name in names:
        return (QUESTIONS[names.index(name)],)
    nearest = get_close_matches(name, [*names, ALL], 1)
    meant = f"is it {nearest[0]}?" if nearest else f"there are {', '.join(names)}, and {ALL}"
    raise UserError(f"there is no question {name}: {meant}")
