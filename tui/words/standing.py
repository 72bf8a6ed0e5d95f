"""How a training goes, in one sentence, and what to do next: the same wherever a run is shown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.text import Text

from engine.errors import UserError
from engine.events import Finding, Point, Severity, Suspicion, Trial, Validation
from engine.race.result import RaceStatus
from engine.session.snapshot import Snapshot, Status
from engine.settings import Settings, setting
from tui.words.causes import title
from tui.words.numbers import duration, nats
from tui.words.safe_text import visible
from tui.words.severity import COLOURS, SIGNS, gravest_first

if TYPE_CHECKING:  # it loads NumPy, and the console should be painted before that
    from engine.recording.outlook import Outlook

SHORTEST, LONGEST = 5.0, 75.0
"""The seconds over which the fall of a loss is told: a third of the training so far, within these bounds. A snapshot's
last points, which it has in full, reach back further."""

FRESH = 100
"""The updates up to which a training has just begun; one that is resumed has more."""

EARLY = 2.0
"""The seconds of training before which nothing is said of the loss."""

WELL, SLOWLY = 0.02, 0.003
"""The fall of the loss over those seconds, as a share of it, from which a network learns well, and learns at all."""

SCATTERED = 2.0
"""The change of a mean loss, in standard errors, below which it is chance."""

RISEN = 4.0
"""The same for a loss that has risen: those of neighbouring text are alike, and seem to scatter less than they do."""

MANY, LATE = 8, 3
"""The number of validation losses from which it is judged whether they still fall, and the part of them, a third, that
must have a new lowest one."""

FRACTIONS = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    10: "a tenth",
    30: "a thirtieth",
    100: "a hundredth",
}
"""Words for a part of the present value."""

ALIKE = 0.02
"""How far a value may be from such a part, as a share of it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a training goes.

    Attributes:
        says: a sentence without its full stop.
        steps: keys of the console and what each does about it.
        severity: that of the finding that it tells; None where it tells none.
        rest: a second sentence, such as a note; empty where there is none.
        detail: the end of the sentence where there is room, such as the update since which it is so.
    """

    says: str
    steps: tuple[tuple[str, str], ...] = ()
    severity: Severity | None = None
    rest: str = ""
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The sentence with its detail, without its full stop."""
        return f"{self.says} {self.detail}" if self.detail else self.says

    def shorter(self) -> Iterator[Standing]:
        """The same in ever fewer words."""
        yield self
        yield replace(self, rest="")
        yield replace(self, rest="", detail="")
        yield replace(self, rest="", detail="", steps=self.steps[:1])

    def with_keys(self, named: Mapping[str, str] = MappingProxyType({})) -> Text:
        """The sentence, with the sign of its severity, and the keys; `named` has a user's own names of some."""
        sign = f"{SIGNS[self.severity]} " if self.severity is not None else ""
        style = COLOURS[self.severity] if self.severity is not None else "bold"
        text = Text.assemble((f"{sign}{self.sentence}{':' if self.steps else '.'}", style))
        for place, (key, does) in enumerate(self.steps):
            text.append(" · " if place else " ", style="dim").append(named.get(key, key), style="bold")
            text.append(f" {does}", style="not dim")
        return text.append(f" {self.rest}", style="dim") if self.rest else text

    @property
    def alone(self) -> str:
        """The sentence, for where no key can be pressed."""
        return f"{self.sentence}. {self.rest}" if self.rest else f"{self.sentence}."


def of_snapshot(snapshot: Snapshot) -> Standing:
    """How the training of a session goes."""
    told = visible(snapshot.message, lines=False)
    match snapshot.status:
        case Status.LOADING:
            return Standing(told or "Loading")
        case Status.FAILED:
            return Standing(told or "The training has failed", (("q", "leaves"),), Severity.PROBLEM)
        case Status.ENDED:
            return Standing(told or "The training has ended", (("q", "leaves"),))
        case Status.BROKEN:
            steps = (("u", "goes back"), ("F", "why"), ("space", "goes on after a change"))
            return Standing(told or "The last update was not finite", steps, Severity.PROBLEM)
        case Status.PAUSED:
            race = (("9", f"shows {racing}"),) if (racing := _racing(snapshot)) else ()
            steps = (("space", "goes on"), *race, ("n", "makes a single update"))
            return Standing(_upper(told) or "Paused", steps)
        case Status.FINISHED:
            return Standing(told or "Done: the budget is used up", (("space", "trains on"), ("q", "leaves")))
        case Status.TRAINING:
            return _training(snapshot, told)


def of_history(
    points: Sequence[Point],
    findings: Iterable[Finding],
    suspicions: Sequence[Suspicion] = (),
    settings: Settings | None = None,
    *,
    validations: Sequence[Validation] = (),
    is_over: bool = False,
) -> Standing:
    """How a training goes, or went, by its findings, or else by its loss.

    Args:
        points: its points, oldest first.
        findings: its findings, those that ended included.
        suspicions: what points to a cause and does not suffice yet.
        settings: its settings; None where they are not known.
        validations: its validation losses, oldest first.
        is_over: whether it has ended.
    """
    there = gravest_first(findings)
    graver = [each for each in there if each.severity is not Severity.NOTE]
    if graver:
        return _found(graver[0], len(there) - 1, settings)
    note = f"Note: {_lower(title(there[0].cause))}." if there else ""
    if suspicions and not is_over:
        says = f"Watching: perhaps {_lower(title(suspicions[0].cause))}. Known after {_ahead(suspicions[0], points)}"
        return Standing(says, rest=note)
    says = loss_in_words(points, validations, is_over=is_over)
    return Standing(says, (), there[0].severity if there else None, note)


def loss_in_words(points: Sequence[Point], validations: Sequence[Validation] = (), *, is_over: bool = False) -> str:
    """The course of the loss over the last seconds, as a clause; of a training that is over, in the past tense."""
    begun, points = points[:1], _since_resumed(points)
    if not points:
        return "No update yet"
    now = points[-1].seconds
    span = min(LONGEST, max(SHORTEST, round(now / 3)))
    recent = [point for point in points if point.seconds > now - span / 3]
    before = [point for point in points if now - span * 4 / 3 < point.seconds <= now - span]
    if now < EARLY or not before:
        loss = f"the loss {'was' if is_over else 'is'} {points[-1].loss:.2f}"
        again = begun[0] is not points[0] or points[0].update > FRESH
        return f"Ended soon: {loss}" if is_over else f"Going on: {loss}" if again else f"Just begun: {loss}"
    (late, scatter), (early, other) = _mean(recent), _mean(before)
    if not math.isfinite(early - late):
        return f"The loss {'was' if is_over else 'is'} {nats(points[-1].loss)}"
    fall, chance = early - late, SCATTERED * math.hypot(scatter, other)
    course = f"{_two(early, late)} in {'its' if is_over else 'the'} last {duration(span)}"
    if fall < -chance * RISEN / SCATTERED and -fall > SLOWLY * abs(early):
        return f"The loss {'rose' if is_over else 'has risen'}: {course}"
    if fall <= chance or fall < SLOWLY * abs(early):
        falls = ("hardly fell" if is_over else "hardly falls") if fall > 0 else "rested" if is_over else "rests"
        return f"The loss {falls}: {course}"
    if has_stopped_falling(validations):
        return f"The loss {'fell' if is_over else 'falls'}, and the validation loss no longer: {course}"
    if late > begun[0].loss > 0:
        return f"The loss {'fell' if is_over else 'falls'}, and {'was' if is_over else 'is'} above its first: {course}"
    how = "well" if fall >= WELL * abs(early) else "slowly"
    return f"It was learning {how}: {course}" if is_over else f"Learning {how}: {course}"


def has_stopped_falling(validations: Sequence[Validation]) -> bool:
    """Whether the lowest of many validation losses is not among the last ones. All are read at the same places."""
    if len(validations) < MANY:
        return False
    losses = [each.loss for each in validations]
    late = len(losses) // LATE
    return min(losses[-late:]) >= min(losses[:-late])


def outlook_in_words(outlook: Outlook) -> str:
    """A forecast in a sentence, such as `About 1.55 in 2 min.`"""
    when = f"at the end, in {duration(round(outlook.seconds))}" if outlook.is_end else f"in {duration(outlook.seconds)}"
    return f"About {outlook.forecast.loss:.2f} {when}."


def trial_in_words(trial: Trial, settings: Settings | None) -> str:
    """A trial in a few words, such as `tries a third of it`, or `tries clip off`."""
    value = visible(trial.value, lines=False)
    try:
        now, then = float(settings.write(trial.knob)) if settings is not None else math.nan, float(value)
    except (KeyError, UserError, ValueError):
        now = then = math.nan
    if trial.knob == "lr" and now > 0 and then > 0:
        for part, words in FRACTIONS.items():
            if math.isclose(then * part, now, rel_tol=ALIKE):
                return f"tries {words} of it"
            if math.isclose(then, now * part, rel_tol=ALIKE):
                return f"tries {part} times as much"
    return f"tries {visible(trial.knob, lines=False).replace('_', ' ')} {value}"


def _training(snapshot: Snapshot, told: str) -> Standing:
    found = of_history(
        snapshot.recent,
        snapshot.findings,
        snapshot.suspicions,
        snapshot.settings,
        validations=snapshot.validations,
    )
    # A fall is expected wherever the noise allows one; beside a loss that does not fall it reads as a contradiction.
    is_learning = not found.says.startswith(("The loss rests", "The loss has risen"))
    if snapshot.outlook is not None and found.severity in (None, Severity.NOTE) and is_learning:
        found = replace(found, rest=f"{outlook_in_words(snapshot.outlook)} {found.rest}".rstrip())
    if told:
        return Standing(told, found.steps, found.severity, found.alone)
    racing = _racing(snapshot)
    if racing and found.severity in (None, Severity.NOTE):
        return Standing(f"{found.says}. Racing {racing}", (("9", "shows it"), ("R", "stops it")), found.severity)
    return found


def _ahead(suspicion: Suspicion, points: Sequence[Point]) -> str:
    """The evidence that is still missing: the next look, where an update that was waited for is past."""
    update = re.fullmatch(r"update ([\d,]+)", suspicion.missing)
    is_past = update is not None and points and int(update[1].replace(",", "")) <= points[-1].update
    return "the next look" if is_past else suspicion.missing


def _racing(snapshot: Snapshot) -> str:
    """The race that runs, such as `R1, 12 % done`; empty where none does."""
    running = [race for race in snapshot.races if race.status is RaceStatus.RUNNING]
    return f"{running[0].name}, {running[0].share:.0%} done" if running else ""


def _found(finding: Finding, more: int, settings: Settings | None) -> Standing:
    steps = []
    if finding.trial is not None and _can_turn(finding.trial.knob) and not _is_set(finding.trial, settings):
        steps.append(("t", trial_in_words(finding.trial, settings)))
    steps.append(("F", "why" if not more else f"why, and {more} more"))
    line = f" (line {finding.site.line})" if finding.site is not None else ""
    return Standing(
        f"{title(finding.cause)}{line}",
        tuple(steps),
        finding.severity,
        detail=f"since update {finding.since_update:,}",
    )


def _is_set(trial: Trial, settings: Settings | None) -> bool:
    """Whether a setting has the value of a trial already: a finding holds until new measurements end it."""
    return settings is not None and settings.write(trial.knob) == trial.value


def _can_turn(knob: str) -> bool:
    """Whether a key can change a setting while the network trains."""
    try:
        return setting(knob).knob
    except (KeyError, UserError):
        return False


def _since_resumed(points: Sequence[Point]) -> Sequence[Point]:
    """The points of this process: its seconds begin at 0."""
    for place in range(len(points) - 1, 0, -1):
        if points[place].seconds < points[place - 1].seconds:
            return points[place:]
    return points


def _mean(points: Sequence[Point]) -> tuple[float, float]:
    """The mean loss of points, and its standard error."""
    losses = [point.loss for point in points]
    mean = sum(losses) / len(losses)
    if len(losses) < 2:
        return mean, 0.0
    return mean, math.sqrt(sum((each - mean) ** 2 for each in losses) / (len(losses) - 1) / len(losses))


def _two(before: float, now: float) -> str:
    """Two losses with as many decimals as it takes to tell them apart."""
    digits = 2 if abs(before - now) >= 0.02 else 3
    return f"{before:.{digits}f} → {now:.{digits}f}"


def _upper(words: str) -> str:
    """A message at the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def _lower(words: str) -> str:
    """A title within a sentence. Abbreviations stay as they are."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]
