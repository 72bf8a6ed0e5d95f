"""What a question's experiment is made of: races and measured trainings, within the time that a question may take."""

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
"""How long a question may take, from the start of the program to its answer."""

SPARE = 6.0
"""Of these the seconds that are left for what no clock here sees: the interpreter's start and end, and the printing."""

LEAST = 20.0
"""How long it may take at least from when it can begin: where the loops for one stream had to be built first."""

PASSES = 12
"""How often a text is read at most: what is compared should not be how well it is learnt by heart."""

FEWEST_CHARS = 20_000
"""How much is read at least, of however short a text and on however slow a machine: less tells nothing."""

HIDDEN = 128
"""The size of a question's networks where the user names no other: half the usual one, so that a minute is enough."""

USED = 0.7
"""The share of the processors' time that goes into the trainings themselves, about: the rest goes into their handing
out, loading and recording."""

ENOUGH_SEEDS = 4
"""Seeds from which on an interval tells something: a race without hope of so many takes the time of the others."""

LANE_VALIDATIONS = 7
"""How often a race validates each training."""


class StoppedError(Exception):
    """The user ended it; what was measured is in the lab."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done: what a test makes small.

    Attributes:
        seconds: from the start to the answer.
        most_chars: what each training reads at most.
        most_seeds: networks of each variant at most.
        pilot: seconds for which each rule is trained to see how quick it is.
    """

    seconds: float = SECONDS
    most_chars: int = 10**9
    most_seeds: int = 12
    pilot: float = 0.8


@dataclass(frozen=True, slots=True)
class Recorded:
    """A measured training: its run in the lab, and what came of it."""

    run: str
    tried: Tried


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds: a character, and a validation."""

    char: float
    validation: float


class Experiments:
    """Runs one question's experiments. It belongs to one thread; `stop` may be called from any, and in a signal.

    Args:
        lab: open for writing.
        corpus: the user's text.
        source: how to find the text again.
        given: the settings that the user named.
        place: where trainings are computed.
        tell: told what is done.
        scale: how much is done.
        begun: when the question was asked, on the monotonic clock.
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
    ) -> None:
        self.lab, self.corpus, self.scale = lab, corpus, scale
        self.given = given
        self.races: list[str] = []
        self.runs: list[str] = []
        self._source, self._place, self._tell = source, place, tell
        now = time.monotonic()
        self._end = max(begun + scale.seconds - SPARE, now + LEAST)
        self._stopped = Event()
        self._racing: Racing | None = None

    def stop(self) -> None:
        """Have it end soon: whatever is under way raises `StoppedError`."""
        self._stopped.set()
        if self._racing is not None:
            self._racing.stop()

    # --- settings and lengths ------------------------------------------------------------------------------------

    def settings(self, preset: str, **fixed: Value) -> Settings:
        """A preset's settings, then the user's, then what the question fixes; fitted to a text that is short.

        Raises UserError where a value is none, or the network does not fit into the memory.
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
        """Raises UserError where the text has fewer to train on."""
        there = len(self.corpus.training)
        if there < entries:
            raise UserError(
                f"{self.corpus.name} has {there:,} characters to train on, and this question needs {entries:,}: "
                "ask it of a longer text"
            )

    def paces(self, *rules: Settings) -> list[Pace]:
        """How quickly each of these is trained here, all measured at the same time."""
        self._tell("measuring how quick this machine is")
        found = dict(self._gather(pace, [(rule, self.scale.pilot) for rule in rules], math.inf))
        return [Pace(*found[place]) for place in range(len(rules))]

    def chars(self, pace: Pace, seconds: float, trainings: int, validations: int = LANE_VALIDATIONS) -> int:
        """How many characters each of some trainings may read, so that all are done after some seconds."""
        each = USED * seconds * self._place.size / trainings - validations * pace.validation
        chars = min(max(each / pace.char, FEWEST_CHARS), self.most_chars)
        digits: int = 10 ** max(0, int(math.log10(chars)) - 1)
        return int(int(chars) // digits * digits)

    @property
    def most_chars(self) -> float:
        """How many characters a training may read of this text."""
        passes = PASSES * len(self.corpus.training) / self.corpus.tokens_per_char
        return min(max(FEWEST_CHARS, passes), self.scale.most_chars)

    def affordable(self, paces: Sequence[Pace], variants: int) -> int:
        """How many of some races, the first ones, there is time for; one at the least."""
        for races in range(len(paces), 1, -1):
            needed = (FEWEST_CHARS * pace.char + LANE_VALIDATIONS * pace.validation for pace in paces[:races])
            if ENOUGH_SEEDS * variants * sum(needed) <= USED * self.left * self._place.size:
                return races
        return 1

    @property
    def left(self) -> float:
        """Seconds until the answer has to be there."""
        return max(0.0, self._end - time.monotonic())

    # --- experiments ---------------------------------------------------------------------------------------------

    def race(self, plan: Plan, what: str, seconds: float) -> str:
        """Race variants until the verdict or so many seconds have passed; returns the race's name in the lab.

        Raises StoppedError, and UserError where it cannot go on.
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
        """Train and measure, one behind the other where there are more than processors.

        Args:
            name: what their runs are called, followed by a number.
            what: what is told meanwhile.
            trials: in the order in which they are begun.
            seconds: after which what is not done is given up.

        Returns:
            What each came to; None for one that was given up. Raises StoppedError.
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
        """What a function of the corpus gives for each of several lists of arguments; None for what took too long."""
        self._check()
        self._tell(what)
        found = dict(self._gather(task, arguments, self.left))
        return [found.get(place) for place in range(len(arguments))]

    def note(self, name: str, settings: Settings, probes: Sequence[Probe]) -> str:
        """Write readings down that belong to no training, as a run of their own; returns its name."""
        run = self._create(name, settings, "cpu fp64", self.corpus.name)
        self.lab.events.record(run, probes)
        self.lab.runs.finish(run, status=RunStatus.DONE, update=0, chars=0, seconds=0.0)
        return run.name

    # --- within --------------------------------------------------------------------------------------------------

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
        """Write a training down: the lab holds its numbers, and not the state that it ended in."""
        run = self._create(name, trial.settings, found.compute, trial.text_name(self.corpus))
        self.lab.events.record(run, found.events)
        status, at = RunStatus.NOT_FINITE if found.broken else RunStatus.DONE, found.position
        self.lab.runs.finish(run, status=status, update=at.updates, chars=at.chars, seconds=at.seconds)
        return run.name

    def _create(self, name: str, settings: Settings, compute: str, text: str) -> Run:
        taken = {run.name for run in self.lab.runs.standalone()}
        number = next(each for each in range(1, len(taken) + 2) if f"{name}-{each}" not in taken)
        run = register(self.lab, self.corpus, settings, name=f"{name}-{number}", compute=compute, text=text)
        self.runs.append(run.name)
        return run


def plan_chars(plan: Plan) -> str:
    """How long a plan's trainings are."""
    return f"{plan.budget.chars:,}"
