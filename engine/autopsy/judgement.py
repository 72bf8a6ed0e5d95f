"""The judgement: the cause that follows from the replays."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from engine.autopsy import remedies
from engine.autopsy.outcome import Outcome, Report
from engine.autopsy.replay import Look, Replay
from engine.diagnosis.symptom import percent
from engine.diagnosis.thresholds import CUT_ALWAYS, EXPLODES, GRADIENT_ERROR, GRADIENT_ERROR_FLOAT32, NOISE_AGREEMENT
from engine.events import Cause, Change, Trial

REMOVES = 0.7
"""A remedy that removes this share of a climb counts as removing it. The rest is a harder passage, or chance."""

HELPS = 0.3
"""The share of a climb below which a remedy makes no difference."""

HARM = 0.1
"""How much worse the loss has to be than that of a network that learns nothing meanwhile for learning to be blamed, in
nats per character."""

LEARNING_SHARE = 0.35
"""The share of a climb that learning has to cause for learning to be blamed."""

LEAST_CLIMB = 0.5
"""The least size of the climb at the end of a replay, as a share of the climb that was found. The loss may have come
down a little since."""

CEILING_OVER_BEFORE = 1.0
"""The least height of the ceiling above the loss before the climb, in nats per character."""

NO_TRAINING = (remedies.AS_IT_WAS, remedies.FROZEN, remedies.PLACE)
"""The kinds of remedies that say nothing about how well the same text could be learnt."""

MOST_NAMED = 6
"""The most remedies that a sentence names."""

AHEAD = 0.5
"""How far below clipping a smaller learning rate has to end to be blamed, as a share of the climb. Clipping then only
holds the loss, and every step was too long."""

LEAST_POINTS = 2
"""The fewest points that make the level after a climb."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The observations of an autopsy.

    Attributes:
        start: the update of the state from which everything was replayed.
        climb: characters at which the loss begins to climb.
        shown: characters from which the climb is measured.
        before: the level before the climb, in nats per character.
        height: how far the loss climbed, likewise; 0 where the climb did not come back.
        ceiling: a loss that is as bad as any higher one, likewise.
        at_once: whether the state itself was already bad.
        replays: the replays, first the unchanged one.
        turns: changes of knobs shortly before the climb, and of the same knobs during it.
        look: the readings of the state; None where the climb did not come back.
    """

    start: int
    climb: int
    shown: int
    before: float
    height: float
    ceiling: float
    at_once: bool
    replays: tuple[Replay, ...]
    turns: tuple[Change, ...] = ()
    look: Look | None = None


def needs_stronger(seen: Seen) -> bool:
    """Whether learning causes the climb, and no remedy that was tried so far removes it."""
    best = _Best(seen)
    tried = (
        remedies.RATE,
        remedies.CLIP,
        remedies.CHANGE,
        remedies.FLOAT32,
        remedies.MEMORY,
        remedies.TARGETS,
        remedies.DECAY,
        remedies.CARRIED,
    )
    return best.learning and max(map(best.of, tried)) < REMOVES


def judge(seen: Seen, broken: bool) -> Report:
    """The report on what was seen; `broken` says whether the run's numbers broke."""
    symptom = "not-finite" if broken else "climb"
    if not seen.height:
        only = _outcome(seen.replays[0], seen, None)
        says, start = _did_not_come_back(seen, broken), seen.start
        return Report(Cause.UNDETERMINED, says, symptom, start, start, 0, only.after, only.after, None, (only,))
    best = _Best(seen)
    first, *rest = best.outcomes
    cause, why, chosen = _cause(seen, best, broken)
    ranked = sorted(rest, key=lambda each: -(each.removed or 0.0))
    onset = next((point.update for point in seen.replays[0].points if point.chars > seen.climb), seen.start)
    says = " ".join((_what(seen, first, onset), _evidence(ranked, best.learning), why))
    trial = None if chosen is None else chosen.trial
    return Report(
        cause, says, symptom, seen.start, onset, seen.climb, seen.before, first.after, trial, (first, *ranked)
    )


class _Best:
    """The share of a climb that the best remedy of a kind removes.

    A network that learns nothing meanwhile shows the effect of the text. Where learning makes the loss worse, a
    remedy is measured against the best of all remedies: the rest of the climb is a harder passage.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._after = _after(seen.replays[0], seen)
        self._frozen = self._without_learning()
        self._climb = max(self._after - seen.before, LEAST_CLIMB * seen.height)
        levels = [_after(each, seen) for each in seen.replays if each.remedy.kind not in NO_TRAINING]
        by_learning = self._after - max(seen.before, min([self._frozen, *levels]))
        self.learning = self._after - self._frozen >= HARM and by_learning >= max(HARM, LEARNING_SHARE * self._climb)
        self._whole = by_learning if self.learning else self._climb
        self.outcomes = [_outcome(replay, seen, self._removed(replay)) for replay in seen.replays]
        self.clipped = {
            replay.remedy.label: fmean([point.clipped for point in replay.points]) if replay.points else 1.0
            for replay in seen.replays
        }

    def of(self, kind: str) -> float:
        """The share that the best remedy of a kind removes; 0 where none was tried."""
        return max((each.removed or 0.0 for each in self.outcomes if each.kind == kind), default=0.0)

    def outcome(self, kind: str) -> Outcome | None:
        """The weakest remedy of a kind that removes the climb; None where none does."""
        return next((each for each in self.outcomes if each.kind == kind and (each.removed or 0.0) >= REMOVES), None)

    def _without_learning(self) -> float:
        """The level of a network that learns nothing; one that has just begun to learn is compared with itself."""
        frozen = next((each for each in self._seen.replays if each.remedy.kind == remedies.FROZEN), None)
        if frozen is None:
            return self._seen.before
        own = _own_before(frozen, self._seen)
        return _after(frozen, self._seen) + (0.0 if own is None else self._seen.before - own)

    def _removed(self, replay: Replay) -> float | None:
        match replay.remedy.kind:
            case remedies.AS_IT_WAS:
                return None
            case remedies.FROZEN:
                share = (self._after - self._frozen) / self._climb
            case remedies.PLACE:
                share = (self._after - _after(replay, self._seen)) / self._climb
            case _:
                share = (self._after - _after(replay, self._seen)) / self._whole
        return min(1.0, max(0.0, share))


def _outcome(replay: Replay, seen: Seen, removed: float | None) -> Outcome:
    remedy = replay.remedy
    losses = [point.loss for point in replay.points if point.chars > seen.shown][-len(replay.points) :]
    losses = losses or [point.loss for point in replay.points[-LEAST_POINTS:]]
    after = math.inf if replay.broken else fmean(losses or [math.nan])
    return Outcome(
        remedy.kind,
        remedy.label,
        removed,
        after,
        tuple(replay.losses),
        tuple(point.chars for point in replay.points),
        Trial(remedy.knob, remedy.value) if remedy.knob else None,
    )


def _after(replay: Replay, seen: Seen) -> float:
    """The level after the climb, in nats per character; a loss above the ceiling counts as the ceiling."""
    ceiling = max(seen.ceiling, seen.before + CEILING_OVER_BEFORE)
    if replay.broken:
        return ceiling
    losses = [min(point.loss, ceiling) for point in replay.points if point.chars > seen.shown]
    if len(losses) < LEAST_POINTS:
        losses = [min(point.loss, ceiling) for point in replay.points[-LEAST_POINTS:]]
    return fmean(losses) if losses else ceiling


def _own_before(replay: Replay, seen: Seen) -> float | None:
    losses = [min(point.loss, seen.ceiling) for point in replay.points if point.chars <= seen.climb]
    return fmean(losses) if len(losses) > LEAST_POINTS else None


# --- causes ----------------------------------------------------------------------------------------------------------

Answer = tuple[Cause, str, Outcome | None]
"""A cause, the sentence that concludes, and the remedy to try."""


def _cause(seen: Seen, best: _Best, broken: bool) -> Answer:
    """The cause is what the remedy that removes the climb changes; of several, the most specific one comes first."""
    if not best.learning:
        return _without_learning(seen, best, broken)
    for answer in (_turned(seen, best), _numbers(best), _memory(seen, best), _targets(best), _decay(best)):
        if answer is not None:
            return answer
    return _steps(seen, best)


def _without_learning(seen: Seen, best: _Best, broken: bool) -> Answer:
    """The cause where a network that does not learn meets the climb as well."""
    # At another place the network also begins with an empty state.
    if chosen := best.outcome(remedies.CARRIED):
        return Cause.CARRIED_STATE, "So the cause is the hidden state carried from window to window.", chosen
    if best.of(remedies.PLACE) >= REMOVES:
        return (
            Cause.DATA_SHIFT,
            "Without learning, the loss climbs there as well, but not at another place: the text changes there.",
            None,
        )
    if answer := _numbers(best):
        return answer
    coarse = GRADIENT_ERROR if _is_bfloat16(seen) else GRADIENT_ERROR_FLOAT32
    if seen.look is not None and seen.look.error > coarse:
        return (
            Cause.NUMERICAL_INSTABILITY,
            f"The error of the gradient is {percent(seen.look.error)} of its size: numbers this large leave no digits "
            "for the small ones.",
            None,
        )
    if broken:
        return (
            Cause.NON_FINITE,
            "Even without learning, numbers break on any text: those of the network itself are too large.",
            None,
        )
    if seen.at_once:
        return Cause.DAMAGED_WEIGHTS, "So the weights were already bad before the replays began.", None
    return Cause.UNDETERMINED, "The loss climbs even without learning, and no change tells why.", None


def _turned(seen: Seen, best: _Best) -> Answer | None:
    """The answer where leaving a knob alone removes the climb that followed its change."""
    chosen = best.outcome(remedies.CHANGE)
    if chosen is None or chosen.trial is None:
        return None
    turns = [change for change in seen.turns if change.knob == chosen.trial.knob]
    old, new = turns[0].old, turns[-1].new
    cause = _OF_KNOB[chosen.trial.knob](old, new)
    where = dict.fromkeys(f"{turn.update:,}" for turn in (turns[0], turns[-1]))
    return cause, f"So the cause is {chosen.trial.knob} {old} → {new}, at update {' … '.join(where)}.", chosen


def _longer(old: str, new: str) -> bool:
    digits = [int("".join(filter(str.isdigit, text.split("-")[-1])) or 0) for text in (old, new)]
    return digits[1] > digits[0]


def _looser(old: str, new: str) -> bool:
    low, high = (math.inf if text == "off" else float(text) for text in (old, new))
    return high > low


_OF_KNOB: dict[str, Callable[[str, str], Cause]] = {
    "lr": lambda _old, _new: Cause.LEARNING_RATE_TOO_HIGH,
    "clip": lambda old, new: Cause.EXPLODING_GRADIENT if _looser(old, new) else Cause.CLIP_TOO_TIGHT,
    "clip_by": lambda _old, _new: Cause.EXPLODING_GRADIENT,
    "bptt": lambda old, new: Cause.EXPLODING_GRADIENT if _longer(old, new) else Cause.NOISY_UPDATES,
    "targets": lambda _old, new: Cause.SPARSE_TARGETS if new == "last" else Cause.UNDETERMINED,
    "dropout": lambda _old, _new: Cause.NOISY_UPDATES,
    "weight_decay": lambda _old, _new: Cause.WEIGHT_DECAY_TOO_STRONG,
    "dtype": lambda _old, _new: Cause.NUMERICAL_INSTABILITY,
}


def _numbers(best: _Best) -> Answer | None:
    if chosen := best.outcome(remedies.FLOAT32):
        return Cause.NUMERICAL_INSTABILITY, "So the number type is too coarse for the numbers in this network.", chosen
    return None


def _memory(seen: Seen, best: _Best) -> Answer | None:
    """The optimiser's memory or the carried state; if a smaller rate helps too, only where the state itself was bad."""
    for kind, cause, why in (
        (remedies.MEMORY, Cause.OPTIMISER_STATE, "So the cause is the optimiser's memory of earlier gradients."),
        (remedies.CARRIED, Cause.CARRIED_STATE, "So the cause is the hidden state carried from window to window."),
    ):
        chosen = best.outcome(kind)
        if chosen and (seen.at_once or best.of(remedies.RATE) < REMOVES):
            return cause, why, chosen
    return None


def _targets(best: _Best) -> Answer | None:
    chosen = best.outcome(remedies.TARGETS)
    if chosen and best.of(remedies.TARGETS) > best.of(remedies.RATE):
        return Cause.SPARSE_TARGETS, "So one target per window tells the updates too little.", chosen
    return None


def _decay(best: _Best) -> Answer | None:
    chosen = best.outcome(remedies.DECAY)
    if chosen and best.of(remedies.DECAY) > best.of(remedies.RATE):
        return Cause.WEIGHT_DECAY_TOO_STRONG, "So weight decay removes more than the network learns.", chosen
    return None


def _steps(seen: Seen, best: _Best) -> Answer:
    """The updates go too far: all of them, or a few whose gradient is far too large, or because of noise."""
    clip, shorter, slower = (best.outcome(kind) for kind in (remedies.CLIP, remedies.WINDOW, remedies.RATE))
    grows = seen.look is not None and seen.look.growth > EXPLODES
    through_time = (
        f" It becomes {seen.look.growth:.3g} times as large on its way {seen.look.lag} characters back."
        if grows and seen.look
        else ""
    )
    seldom = clip is not None and best.clipped[clip.label] < CUT_ALWAYS
    # Where clipping holds the loss and a smaller rate ends far below it, every step was too long.
    held = clip is not None and slower is not None and clip.after - slower.after > AHEAD * seen.height
    if clip and (grows or (seldom and not held)):
        return (
            Cause.EXPLODING_GRADIENT,
            f"So some gradients are far larger than usual: the gradient explodes.{through_time}",
            clip,
        )
    if shorter and (grows or slower is None):
        return Cause.EXPLODING_GRADIENT, f"So the gradient goes back too far: it explodes.{through_time}", shorter
    # Longer windows make fewer updates of the same text: that alone says nothing.
    noise = seen.look is not None and seen.look.agreement < NOISE_AGREEMENT
    if slower and noise and best.outcome(remedies.LONGER):
        return (
            Cause.NOISY_UPDATES,
            "With longer windows at the same learning rate, the loss does not climb: the gradient of so few characters "
            "is too noisy.",
            slower,
        )
    if slower:
        return Cause.LEARNING_RATE_TOO_HIGH, "So the steps are too long: the learning rate is too high.", slower
    return (
        Cause.UNDETERMINED,
        "Without learning, the loss does not climb; no change tells which part of the learning is the cause.",
        None,
    )


# --- words -----------------------------------------------------------------------------------------------------------


def _what(seen: Seen, first: Outcome, onset: int) -> str:
    if math.isinf(first.after):
        return f"From update {onset:,} on, the loss climbs from {seen.before:.3g} until numbers break."
    return f"From update {onset:,} on, the loss climbs from {seen.before:.3g} to {first.after:.3g}."


def _evidence(ranked: Sequence[Outcome], learning: bool) -> str:
    """The effect of each change."""
    there = [each for each in ranked if each.kind not in (remedies.FROZEN, remedies.PLACE)]
    helping = [
        f"{each.label} removes {percent(each.removed or 0.0)}" for each in there if (each.removed or 0.0) >= HELPS
    ]
    vain = [each.label for each in there if (each.removed or 0.0) < HELPS]
    sentences = []
    if helping:
        sentences.append(f"These changes help: {', '.join(helping[:MOST_NAMED])}.")
    if vain:
        sentences.append(f"These changes make no difference: {', '.join(vain[:MOST_NAMED])}.")
    if learning and all((each.removed or 0.0) < HELPS for each in ranked if each.kind == remedies.PLACE):
        sentences.append("The loss climbs at another place in the text as well: the text is not the cause.")
    return " ".join(sentences)


def _did_not_come_back(seen: Seen, broken: bool) -> str:
    what = "Numbers did not break" if broken else "The loss did not climb"
    return (
        f"{what} again when the run was replayed from update {seen.start:,} with one thread. The cause is not in the "
        "kept state: it is the threads, the machine, a budget in seconds, or something outside the training."
    )


def _is_bfloat16(seen: Seen) -> bool:
    return seen.replays[0].state.settings.dtype == "bfloat16"
