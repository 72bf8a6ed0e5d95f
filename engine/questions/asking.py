"""Answers questions: reads the text once, and shares one pool of processes among all questions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.errors import UserError
from engine.lab import Lab
from engine.network.compute import usable_processors
from engine.questions import bptt_40_vs_10, clipping, norm_005, norm_12, numerics, random_length, seq_len
from engine.questions.climb import climb
from engine.questions.experiment.experiments import Experiments, Scale, StoppedError
from engine.questions.question import Answer, Question
from engine.settings import Settings, Value, setting
from engine.text.corpus import Corpus
from engine.text.source import keep_text, read_text
from engine.training.building import BuildError, build
from engine.workers.place import Place
from engine.workers.pool import Pool

FEW_HELD_OUT = 10_000
"""With fewer held-out characters, every answer names that as a limit."""

INVESTIGATIONS: Mapping[str, Callable[[Experiments], Answer]] = {
    "clipping": clipping.investigate,
    "climb": climb.investigate,
    "bptt-40-vs-10": bptt_40_vs_10.investigate,
    "random-length": random_length.investigate,
    "norm-12": norm_12.investigate,
    "norm-0.05": norm_005.investigate,
    "seq-len": seq_len.investigate,
    "numerics": numerics.investigate,
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The request to answer questions.

    Attributes:
        questions: the questions, in the order in which they are answered.
        text: a file's path or a built-in text's name; for standard input the name to show.
        content: the bytes of standard input; None otherwise.
        given: the settings that the user gave, by name.
        folder: the lab's folder.
        scale: the limits of each experiment.
        begun: the time at which the program began, on the monotonic clock.
    """

    questions: tuple[Question, ...]
    text: str
    content: bytes | None
    given: Mapping[str, Value]
    folder: Path
    scale: Scale = field(default_factory=Scale)
    begun: float = field(default_factory=time.monotonic)


class Asking:
    """Answers questions one after the other.

    It belongs to one thread; `stop` may be called from any thread and from a signal handler.

    Args:
        asked: the request.
        tell: called with the current activity in words.
    """

    def __init__(self, asked: Asked, tell: Callable[[str], None]) -> None:
        self._asked, self._tell = asked, tell
        self._stopped = False
        self._experiments: Experiments | None = None

    def stop(self) -> None:
        """End soon; finished measurements are kept."""
        self._stopped = True
        if self._experiments is not None:
            self._experiments.stop()

    @property
    def kept(self) -> Sequence[str]:
        """The names in the lab of the current question's races and runs."""
        return [*self._experiments.races, *self._experiments.runs] if self._experiments else []

    def answers(self) -> Iterator[tuple[Question, Answer]]:
        """Yield each question with its answer as soon as that is known.

        Raises:
            UserError: the user has to correct something first.
            StoppedError: `stop` was called.
        """
        asked = self._asked
        for question in asked.questions:
            _check(question, asked)
        # The processes load while the text is read.
        pool = Pool(usable_processors())
        try:
            corpus, source = read_text(
                asked.text, asked.content, _with(asked.given), asked.folder, lambda what, _share: self._say(what)
            )
            self._build()
            with Lab.open(asked.folder) as lab:
                if asked.content is not None:
                    source = str(keep_text(lab, asked.content))
                begun = asked.begun
                for question in asked.questions:
                    yield question, self._answer(question, lab, corpus, source, pool.place, begun)
                    begun = time.monotonic()
        finally:
            pool.close()

    def _answer(self, question: Question, lab: Lab, corpus: Corpus, source: str, place: Place, begun: float) -> Answer:
        given = {name: value for name, value in self._asked.given.items() if name not in question.fixes}
        self._experiments = Experiments(
            lab, corpus, source, given, place, self._tell, self._asked.scale, begun, question.name
        )
        self._say("starting")
        answer = INVESTIGATIONS[question.name](self._experiments)
        held_out = len(corpus.validation)
        if held_out >= FEW_HELD_OUT:
            return answer
        limit = f"Only {held_out:,} characters are held out: seeds show how trainings vary, but not how texts vary."
        return replace(answer, limits=(*answer.limits, limit))

    def _build(self) -> None:
        """Compile the loops for one stream where they are missing: better to wait once here than in every process."""
        try:
            build(lambda: self._say("compiling the loops for one stream, once per machine"))
        except BuildError as error:
            raise UserError(f"the loops for one stream could not be compiled: {error}") from error

    def _say(self, what: str) -> None:
        if self._stopped:
            raise StoppedError
        self._tell(what)


def _check(question: Question, asked: Asked) -> None:
    """Raise UserError where a given value is not allowed, or the only question chooses that setting itself."""
    _with(asked.given)
    for name in asked.given:
        if name in question.fixes and len(asked.questions) == 1:
            raise UserError(f"{setting(name).option}: the question {question.name} chooses it itself; leave it out")


def _with(given: Mapping[str, Value]) -> Settings:
    """The default settings with the given ones; raises UserError where a value is not allowed."""
    settings = Settings()
    for name, value in given.items():
        settings = settings.with_value(name, value)
    return settings
