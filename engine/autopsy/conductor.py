"""An autopsy from its beginning to its end."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

from engine.autopsy.case import Case, Start, nothing
from engine.autopsy.judgement import Seen, needs_stronger
from engine.autopsy.remedies import UNCHANGED, Remedy, clips, remedies, stronger
from engine.autopsy.replay import Replay, through
from engine.autopsy.replayer import Replayer
from engine.autopsy.rise import LASTING_RISE, UNSEEN_RISE, Rise, find_rise
from engine.checkpoints import checkpoint
from engine.diagnosis.climb import LEVEL_READINGS
from engine.diagnosis.thresholds import USUAL_CLIP
from engine.events import Change, Point
from engine.settings import Settings
from engine.text.progress import Tell
from engine.training.state import State
from engine.workers.place import Place

SURVEY_POINTS = 128
"""The points of the survey, the first replay, which finds the climb."""

REPLAY_POINTS = 48
"""The points of each replay with one thing changed, which measure how much of the climb is left."""

ADVANCE_POINTS = 8
"""The points on the way from the kept state to the state just before the climb. Nothing reads them."""

WINDOWS_BEFORE = 8
"""The fewest windows that are replayed before a climb begins. They show the level before it."""

WINDOWS_AFTER = 4
"""The fewest windows that are replayed after a climb begins. They show that the loss stays up."""

SURVEYED_BEYOND = 0.125
"""How far the survey goes beyond the trouble, as a share of its length until then. A climb may come a little later when
it is replayed."""

LEAST_FOLLOWED = 0.5
"""The fewest characters for which a climb is followed after it has shown, as a share of those that it took to show."""

MOST_FOLLOWED = 2
"""The most characters for which it is followed to its highest place, as a multiple of the same. A slow climb has no
end."""

PRESSED_AGAIN = 0.25
"""The longest pause between two presses of one key that belong together, as a share of a replay."""

TIGHTER_THAN_BEFORE = 3
"""The least divisor of the clipping bound where clipping was already on."""

SURVEYING, REPLAYING = "replaying it unchanged", "replaying it with one thing changed at a time"

SURVEY_SHARE = 0.4
"""The share of an autopsy that is shown as done after the survey."""

FIRST_SHARE = 0.8
"""The share that is shown as done after the first remedies. Stronger ones may follow."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The characters since the run's start at which replays begin, the climb begins, it has shown, and replays end."""

    begin: int
    climb: int
    shown: int
    end: int


class Autopsy:
    """Replays a case in the thread that calls `run`.

    Args:
        case: the case to explain.
        place: the place where replays are computed.
        tell: called with the present step, and the share that is done, 0 … 1.
    """

    def __init__(self, case: Case, place: Place, tell: Tell) -> None:
        self._case, self._place, self._tell = case, place, tell
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Make it end soon, from any thread: `run` then raises Stopped."""
        self._stopped.set()

    def run(self) -> Seen:
        """Replay the case, and return the observations.

        Raises Stopped after `stop`, and UserError where there turns out to be no climb, a state cannot be read, or
        workers keep dying.
        """
        self._tell(SURVEYING, 0.0)
        with Replayer(self._place, self._case.corpus, self._stopped) as replayer:
            climbs: list[tuple[State, Replay, Rise]] = []
            for start in self._case.starts:
                state = self._state(replayer, start)
                survey = self._survey(replayer, state)
                if rise := self._rise(survey, state):
                    climbs.append((state, survey, rise))
                    if self._case.trouble.sure:
                        break
            if climbs:
                return self._dissect(replayer, *max(climbs, key=lambda climb: climb[2].after - climb[2].before))
        if not self._case.trouble.sure:
            raise nothing(self._case.run)
        return Seen(state.counters.updates, 0, 0, 0.0, 0.0, self._case.ceiling, False, (survey,))

    # --- as it was -----------------------------------------------------------------------------------------------

    def _state(self, replayer: Replayer, start: Start) -> State:
        if start.path is not None:
            return _pinned(checkpoint.load(start.path).state, self._case.settings)
        return replayer.fresh(replace(self._case.settings, threads=1))

    def _survey(self, replayer: Replayer, state: State) -> Replay:
        begin, trouble = self._chars(state), self._case.trouble
        shown = max(trouble.chars, begin) + WINDOWS_AFTER * self._window(state.settings)
        end = shown + int(SURVEYED_BEYOND * (shown - begin))
        if not trouble.broken:
            end = max(begin + 1, min(end, self._case.chars))
        ends, changes = _spread(begin, end, SURVEY_POINTS), self._changes(state, end)
        replay = Replay(UNCHANGED, state, ends, changes, self._case.course)
        replayer.replay([replay], lambda share: self._tell(SURVEYING, SURVEY_SHARE * share))
        return replay

    def _rise(self, survey: Replay, state: State) -> Rise | None:
        """The climb within the survey: the one that the run's points show, or where they show none the clearest one."""
        case, trouble = self._case, self._case.trouble
        updates = state.counters.updates
        floor = self._level_before(updates)
        begins = sum(point.update <= trouble.since for point in survey.points) if trouble.sure else None
        found = find_rise(survey.losses, case.ceiling, floor, fresh=updates == 0, near=begins)
        if found is not None and not trouble.sure:
            # The points show no climb, and short windows vary: it has to rise above the mean that the run has recorded.
            level = case.level(survey.points[min(found.begin, len(survey.points) - 1)].update)
            before = found.before if level is None else max(found.before, level)
            found = found if found.after - before >= UNSEEN_RISE else None
        if found is None and survey.broken:
            last = len(survey.losses) - 1
            before = fmean(survey.losses[:last]) if floor is None else floor
            return Rise(last, last, last, min(before, case.ceiling), case.ceiling)
        return found

    def _level_before(self, updates: int) -> float | None:
        """The recorded loss before a state; None where it is not known, or the state is long before the climb."""
        case, trouble = self._case, self._case.trouble
        if updates == 0:
            return case.letters
        if not trouble.sure:
            return case.level(updates)
        return trouble.before if trouble.since - updates < trouble.shown - trouble.since else None

    # --- one thing at a time -------------------------------------------------------------------------------------

    def _dissect(self, replayer: Replayer, state: State, survey: Replay, rise: Rise) -> Seen:
        case, begin = self._case, self._chars(state)
        places = [begin, *(point.chars for point in survey.points)]
        climb, shown, top = (places[min(place, len(places) - 1)] for place in _places(rise))
        settings = through(state.settings, self._changes(state, climb))
        window = self._window(settings)
        took = shown - climb
        followed = max(min(top - shown, MOST_FOLLOWED * took), int(LEAST_FOLLOWED * took))
        end = max(shown + followed, climb + WINDOWS_AFTER * window)
        at_once = rise.begin <= LEVEL_READINGS
        lead = climb - max(end - climb, WINDOWS_BEFORE * window)
        if lead > begin:
            state = self._advance(replayer, state, lead)
            begin, at_once = self._chars(state), False
        spans = Spans(begin, climb, shown, end)
        bound = _bound([point for point in survey.points if point.chars <= climb] or survey.points[:1], settings)
        span = round((end - begin) * case.corpus.tokens_per_char / settings.streams)
        until_end = [each for each in case.changes if each.chars <= end]
        made = turns_of(until_end, 2 * begin - end, max(climb, begin), round(PRESSED_AGAIN * (end - begin)))
        chosen = [UNCHANGED, *remedies(settings, state, len(case.corpus.training), span, made), *clips(settings, bound)]
        found = self._replay(replayer, state, chosen, spans, (SURVEY_SHARE, FIRST_SHARE))
        before = _before(found[0].points, spans, rise, case.ceiling)
        seen = Seen(
            state.counters.updates,
            climb,
            shown,
            before,
            max(LASTING_RISE, rise.after - before),
            case.ceiling,
            at_once,
            tuple(found),
            tuple(made),
        )
        if needs_stronger(seen):
            found += self._replay(replayer, state, list(stronger(settings, bound)), spans, (FIRST_SHARE, 1.0))
        return replace(seen, replays=tuple(found), look=replayer.look(state))

    def _advance(self, replayer: Replayer, state: State, to: int) -> State:
        """The state just before the climb."""
        ends, changes = _spread(self._chars(state), to, ADVANCE_POINTS), self._changes(state, to)
        replay = Replay(UNCHANGED, state, ends, changes, self._case.course)
        replayer.replay([replay], lambda _share: self._tell("replaying up to the climb", SURVEY_SHARE))
        return replay.state

    def _replay(
        self, replayer: Replayer, state: State, chosen: Sequence[Remedy], spans: Spans, shares: tuple[float, float]
    ) -> list[Replay]:
        ends, changes = _spread(spans.begin, spans.end, REPLAY_POINTS), self._changes(state, spans.end)
        replays = [Replay(each, state, ends, changes, self._case.course) for each in chosen]
        first, last = shares
        replayer.replay(replays, lambda share: self._tell(REPLAYING, first + (last - first) * share))
        return replays

    def _chars(self, state: State) -> int:
        return round(state.counters.tokens / self._case.corpus.tokens_per_char)

    def _changes(self, state: State, end: int) -> list[Change]:
        return [each for each in self._case.changes if each.number > state.counters.changes and each.chars <= end]

    def _window(self, settings: Settings) -> int:
        return max(1, round(settings.streams * settings.bptt.mean / self._case.corpus.tokens_per_char))


def turns_of(changes: Sequence[Change], since: int, climb: int, pause: int) -> list[Change]:
    """The changes of the knobs that were turned shortly before the climb: a key is seldom pressed only once.

    Args:
        changes: every change up to the replays' end, oldest first.
        since: what was changed after it counts as shortly before the climb, in characters since the run's start.
        climb: where the climb begins, in the same.
        pause: how many characters before `since`, or before a press that counts, another press of the key still counts.
    """
    knobs = {each.knob for each in changes if since < each.chars <= climb}
    begins = dict.fromkeys(knobs, since)
    found = []
    for each in reversed(changes):
        if each.knob in knobs and each.chars > begins[each.knob]:
            found.append(each)
            begins[each.knob] = min(begins[each.knob], each.chars - pause)
    return found[::-1]


def _places(rise: Rise) -> tuple[int, int, int]:
    """The numbers of readings until a climb begins, has shown, and is highest."""
    return rise.begin, rise.shown + 1, rise.top + 1


def _pinned(state: State, settings: Settings) -> State:
    dtype = settings.dtype if state.settings.dtype == "auto" else state.settings.dtype
    return replace(state, settings=replace(state.settings, dtype=dtype, threads=1))


def _spread(begin: int, end: int, count: int) -> list[int]:
    """At most `count` places after `begin` up to `end`, evenly spread."""
    count = max(1, min(count, end - begin))
    return sorted({begin + -(-(end - begin) * place // count) for place in range(1, count + 1)})


def _before(points: Sequence[Point], spans: Spans, rise: Rise, ceiling: float) -> float:
    """The loss before a climb: that of the replay before it, or where that is too short, the level of the survey."""
    losses = [min(point.loss, ceiling) for point in points if point.chars <= spans.climb]
    return fmean(losses[-max(LEVEL_READINGS, len(losses) // 2) :]) if len(losses) >= LEVEL_READINGS else rise.before


def _bound(points: Sequence[Point], settings: Settings) -> float:
    """A clipping bound: the usual gradient norm, or USUAL_CLIP or a third of the present bound if that is less."""
    usual = min(USUAL_CLIP, median(point.grad_norm_max for point in points)) if points else USUAL_CLIP
    if settings.clip is None or settings.clip_by != "norm":
        return usual
    return min(usual, settings.clip / TIGHTER_THAN_BEFORE)
