"""The experiments of a question: races and measured trainings, within the time that a question may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from threading import Event, Timer
from typing import Any, TypeVar

from engine.errors import UserError
from engine.events import Probe, RunStatus
from engine.lab import Lab, Run
from engine.network.model import check_memory
from engine.questions.experiment.trial import Trial, Tried, pace, tried
from engine.race.opening import with_equal_compute
from engine.race.plan import Plan
from engine.race.race import Racing
from engine.race.statistics.standing import Standing
from engine.race.store import Races
from engine.recording.registration import register
from engine.settings import PRESETS, Settings, Value
from engine.text.corpus import Corpus, check_window
from engine.windows import LengthLaw
from engine.workers.place import Place
from engine.workers.workers import Workers, WorkersDiedError

Result = TypeVar("Result")

SECONDS = 60.0
"""The seconds that a question may take, from the start of the program to its answer."""

SPARE = 6.0
"""The part of these seconds that is reserved for what no clock here sees: the interpreter's start and end, printing."""

LEAST = 20.0
"""The fewest seconds for the experiments themselves, even where the loops for one stream had to be compiled first."""

PASSES = 12
"""The most passes over a text: trainings should not be compared by how well they memorise it."""

FEWEST_CHARS = 20_000
"""The fewest characters of a training, however short the text and slow the machine; fewer would tell nothing."""

HIDDEN = 128
"""The hidden size of a question's networks, unless the user gives one: half the default, so that a minute is enough."""

USED = 0.7
"""The approximate share of the processors' time that the trainings themselves take; the rest is taken by starting,
loading and recording them."""

ENOUGH_SEEDS = 4
"""The fewest seeds with which an interval tells something. A race that cannot reach them only costs the others time."""

LANE_VALIDATIONS = 7
"""The number of validations that a race makes of each training."""


class StoppedError(Exception):
    """The user stopped the experiments; finished measurements are in the lab."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The limits of an experiment, which tests make small.

    Attributes:
        seconds: the seconds from the start to the answer.
        most_chars: the most characters of each training.
        most_seeds: the most networks of each variant.
        pilot: the seconds for which each rule is trained to measure its pace.
    """

    seconds: float = SECONDS
    most_chars: int = 10**9
    most_seeds: int = 12
    pilot: float = 0.8


@dataclass(frozen=True, slots=True)
class Recorded:
    """A measured training: the name of its run in the lab, and its result."""

    run: str
    tried: Tried


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of a training: the seconds per character, and the seconds per validation."""

    char: float
    validation: float


class Experiments:
    """Runs one question's experiments.

    It belongs to one thread; `stop` may be called from any thread and from a signal handler.

    Args:
        lab: the lab, open for writing.
        corpus: the user's text.
        source: the place of the text: an absolute path, or a built-in text's name.
        given: the settings that the user gave, by name.
        place: where trainings are computed.
        tell: called with the current activity in words.
        scale: the limits of the experiments.
        begun: the time at which the question was asked, on the monotonic clock.
        question: the question's name.
    """

    def __init__(
        self,
        lab: Lab,
        corpus: Corpus,
        source: str,
        given: Mapping[str, Value],
        place: Place,
        tell: Callable[[str], None],
        scale: Scale,
        begun: float,
        question: str,
    ) -> None:
        self.lab, self.corpus, self.scale = lab, corpus, scale
        self.given = given
        self.races: list[str] = []
        self.runs: list[str] = []
        self._source, self._place, self._tell, self._question = source, place, tell, question
        now = time.monotonic()
        self._end = max(begun + scale.seconds - SPARE, now + LEAST)
        self._stopped = Event()
        self._racing: Racing | None = None

    def stop(self) -> None:
        """End soon: the current experiment raises `StoppedError`."""
        self._stopped.set()
        if self._racing is not None:
            self._racing.stop()

    # --- settings and lengths ------------------------------------------------------------------------------------

    def settings(self, preset: str, **fixed: Value) -> Settings:
        """A preset's settings, overridden by the user's and then by `fixed`, and fitted to a short text.

        Raises UserError where a value is not allowed, the network does not fit into memory, or the windows do not fit
        into the text.
        """
        values: dict[str, Any] = {"threads": 1, "hidden": HIDDEN, **PRESETS[preset], **self.given, **fixed}
        chosen = replace(Settings(), **values)
        check_memory(chosen, self.corpus.vocabulary.size)
        named, there = self.given.keys() | fixed.keys(), len(self.corpus.training) - 1
        if "bptt" not in named and chosen.bptt.high > there // 2:
            chosen = replace(chosen, bptt=LengthLaw.fixed(max(1, there // 2)))
        if "streams" not in named and chosen.streams * chosen.bptt.high > there:
            chosen = replace(chosen, streams=max(1, there // chosen.bptt.high))
        check_window(self.corpus, chosen.streams, chosen.bptt)
        return chosen

    def need(self, entries: int) -> None:
        """Raise UserError where the training split has fewer than `entries` entries."""
        there = len(self.corpus.training)
        if there < entries:
            raise UserError(
                f"{self.corpus.name} has {there:,} characters to train on, but this question needs {entries:,}: "
                "use a longer text"
            )

    def paces(self, *rules: Settings) -> list[Pace]:
        """The pace of each rule on this machine, all measured at the same time."""
        self._tell("measuring the speed of this machine")
        found = dict(self._gather(pace, [(rule, self.scale.pilot) for rule in rules], math.inf))
        return [Pace(*found[place]) for place in range(len(rules))]

    def chars(self, pace: Pace, seconds: float, trainings: int, validations: int = LANE_VALIDATIONS) -> int:
        """The characters that each of `trainings` trainings may read, so that all are done within `seconds`."""
        each = USED * seconds * self._place.size / trainings - validations * pace.validation
        chars = min(max(each / pace.char, FEWEST_CHARS), self.most_chars)
        digits: int = 10 ** max(0, int(math.log10(chars)) - 1)
        return int(int(chars) // digits * digits)

    @property
    def most_chars(self) -> float:
        """The most characters that a training may read of this text."""
        passes = PASSES * len(self.corpus.training) / self.corpus.tokens_per_char
        return min(max(FEWEST_CHARS, passes), self.scale.most_chars)

    def affordable(self, paces: Sequence[Pace], variants: int) -> int:
        """The number of races for which there is time, at least one; the first ones are preferred.

        Args:
            paces: the pace of each race's trainings.
            variants: the number of variants in each race.
        """
        for races in range(len(paces), 1, -1):
            needed = (FEWEST_CHARS * pace.char + LANE_VALIDATIONS * pace.validation for pace in paces[:races])
            if ENOUGH_SEEDS * variants * sum(needed) <= USED * self.left * self._place.size:
                return races
        return 1

    @property
    def left(self) -> float:
        """The seconds until the answer is due."""
        return max(0.0, self._end - time.monotonic())

    # --- experiments ---------------------------------------------------------------------------------------------

    def race(self, plan: Plan, what: str, seconds: float) -> str:
        """Race variants until the verdict, or until `seconds` have passed; return the race's name in the lab.

        Raises:
            StoppedError: `stop` was called.
            UserError: the race cannot go on.
        """
        self._check()
        plan = replace(with_equal_compute(plan), seeds=max(2, min(plan.seeds, self.scale.most_seeds)))
        text = self.corpus
        race = Races(self.lab).create(plan, text=text.name, source=self._source, digest=text.digest)
        self.races.append(race.name)

        def listen(stands: Standing) -> None:
            done = sum(lane.done for lane in stands.lanes)
            self._tell(f"{what}: {done} trainings of {plan_chars(plan)} characters")

        self._racing = Racing(self.lab, race, text, None, self._place, listen)
        timer = Timer(min(seconds, self.left), self._racing.stop)
        timer.daemon = True
        timer.start()
        try:
            self._racing.run()
        finally:
            timer.cancel()
            self._racing = None
        self._check()
        return race.name

    def trials(self, name: str, what: str, trials: Sequence[Trial], seconds: float) -> list[Recorded | None]:
        """Train and measure, as many trainings at once as there are processes.

        Args:
            name: the beginning of the runs' names, which a number follows.
            what: the activity in words.
            trials: the trainings, in the order in which they begin.
            seconds: the time after which unfinished trainings are given up.

        Returns:
            The result of each training; None for one that was given up.

        Raises:
            StoppedError: `stop` was called.
        """
        self._check()
        self._tell(what)
        recorded: list[Recorded | None] = [None] * len(trials)

        for place, found in self._gather(tried, [(trial,) for trial in trials], min(seconds, self.left)):
            recorded[place] = Recorded(self._record(name, trials[place], found), found)
            done = sum(each is not None for each in recorded)
            self._tell(f"{what}: {done} of {len(trials)} trainings")
        return recorded

    def computed(self, what: str, task: Callable[..., Result], *arguments: tuple[Any, ...]) -> list[Result | None]:
        """The results of `task`, called with the corpus and each of `arguments`; None for one that took too long."""
        self._check()
        self._tell(what)
        found = dict(self._gather(task, arguments, self.left))
        return [found.get(place) for place in range(len(arguments))]

    def note(self, name: str, settings: Settings, probes: Sequence[Probe]) -> str:
        """Store readings that belong to no training as a run of their own; return the run's name."""
        run = self._create(name, settings, "cpu fp64", self.corpus.name)
        self.lab.events.record(run, probes)
        self.lab.runs.finish(run, status=RunStatus.DONE, update=0, chars=0, seconds=0.0)
        return run.name

    # --- processes and runs --------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self._stopped.is_set():
            raise StoppedError

    def _gather(
        self, task: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], seconds: float
    ) -> Iterator[tuple[int, Result]]:
        """Each result of a task with the place of its arguments, as it comes back, until so many seconds have passed.

        Raises StoppedError, and UserError where workers keep dying.
        """
        end = time.monotonic() + seconds
        waiting = iter(enumerate(arguments))
        missing = len(arguments)
        try:
            with Workers[int, Result](self._place, self.corpus) as workers:
                while missing and time.monotonic() < end:
                    for place, each in islice(waiting, workers.room):
                        workers.submit(place, task, *each)
                    for place, result in workers.finished():
                        missing -= 1
                        yield place, result
                    self._check()
        except WorkersDiedError as error:
            raise UserError(f"{error} while they trained: is there enough memory?") from error

    def _record(self, name: str, trial: Trial, found: Tried) -> str:
        """Store the numbers of a training in the lab, without its last state; return the run's name."""
        run = self._create(name, trial.settings, found.compute, trial.text_name(self.corpus))
        self.lab.events.record(run, found.events)
        status, at = RunStatus.NOT_FINITE if found.broken else RunStatus.DONE, found.position
        self.lab.runs.finish(run, status=status, update=at.updates, chars=at.chars, seconds=at.seconds)
        return run.name

    def _create(self, name: str, settings: Settings, compute: str, text: str) -> Run:
        taken = {run.name for run in self.lab.runs.outside_races()}
        number = next(each for each in range(1, len(taken) + 2) if f"{name}-{each}" not in taken)
        run = register(
            self.lab,
            self.corpus,
            settings,
            name=f"{name}-{number}",
            compute=compute,
            text=text,
            question=self._question,
        )
        self.runs.append(run.name)
        return run


def plan_chars(plan: Plan) -> str:
    """The characters of each of a plan's trainings, as text."""
    return f"{plan.budget.chars:,}"
