"""Every number of an answer computed again, from the lab's file with SQL and arithmetic only."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

from engine.lab.database import FILE
from engine.questions.question import Row
from engine.race.statistics.interval import interval

Number = float | None


class Book:
    """The lab's file, opened for reading."""

    def __init__(self, folder: Path) -> None:
        self._file = sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)

    def rows(self, sql: str, *values: object) -> list[Any]:
        return self._file.execute(sql, values).fetchall()

    def points(self, run: str) -> list[tuple[float, float, float, float, float, float, float, int]]:
        """(loss, norm, largest norm, clipped, factor, rate used, seconds, updates), oldest first."""
        return self.rows(
            "select p.loss, p.grad_norm, p.grad_norm_max, p.clipped, p.clip_factor, p.rate_used, p.seconds, p.updates"
            " from points p join runs r on p.run = r.number where r.name = ? order by p.sequence",
            run,
        )

    def validations(self, run: str) -> list[Any]:
        """(update, chars, loss), oldest first."""
        return self.rows(
            'select v."update", v.chars, v.loss from validations v join runs r on v.run = r.number'
            " where r.name = ? order by v.sequence",
            run,
        )

    def probes(self, run: str, instrument: str) -> list[dict[str, Any]]:
        found = self.rows(
            'select p."values" from probes p join runs r on p.run = r.number'
            " where r.name = ? and p.instrument = ? order by p.sequence",
            run,
            instrument,
        )
        return [json.loads(values) for (values,) in found]

    def lanes(self, race: str) -> dict[tuple[int, int], str]:
        """The names of a race's runs that were done, by variant and seed."""
        found = self.rows(
            "select variant, replicate, name from runs where race = ? and status = 'done'", int(race.removeprefix("R"))
        )
        return {(variant, replicate): name for variant, replicate, name in found}

    def plan(self, race: str) -> dict[str, Any]:
        ((plan,),) = self.rows("select plan from races where number = ?", int(race.removeprefix("R")))
        found: dict[str, Any] = json.loads(plan)
        return found

    def settings(self, run: str) -> dict[str, Any]:
        ((values,),) = self.rows("select settings from runs where name = ?", run)
        found: dict[str, Any] = json.loads(values)
        return found

    # --- races ---------------------------------------------------------------------------------------------------

    def seeds(self, race: str) -> list[int]:
        return sorted({seed for _, seed in self.lanes(race)})

    def variant(self, race: str, label: str) -> int:
        return [each["label"] for each in self.plan(race)["variants"]].index(label)

    def of(self, race: str, variant: int) -> list[str]:
        return [name for (place, _), name in sorted(self.lanes(race).items()) if place == variant]

    def last(self, run: str) -> float:
        return float(self.validations(run)[-1][2])

    def differences(self, race: str, variant: int, first: int, at: str = "characters") -> list[float]:
        """The differences by seed, at the updates that both have made or the characters that both have read."""
        column = {"updates": 0, "characters": 1}[at]
        lanes = self.lanes(race)
        found = []
        for seed in self.seeds(race):
            one, other = self.validations(lanes[variant, seed]), self.validations(lanes[first, seed])
            place = min(one[-1][column], other[-1][column])
            found.append(_loss_at(one, column, place) - _loss_at(other, column, place))
        return found


def _loss_at(validations: list[Any], column: int, place: int) -> float:
    """The loss between two validations, linear in the logarithm."""
    if place == validations[-1][column]:
        return float(validations[-1][2])
    for before, after in pairwise(validations):
        if before[column] <= place <= after[column]:
            share = math.log(place / before[column]) / math.log(after[column] / before[column])
            return float(before[2] + (after[2] - before[2]) * share)
    raise LookupError(place)


def weighted(points: list[Any], column: int) -> float:
    """The mean of a column over the updates."""
    return fmean([point[column] for point in points], [point[-1] for point in points])


def level(values: list[float]) -> tuple[float, float]:
    """The lowest mean of three neighbours, and that of the last three."""
    return min(fmean(values[place : place + 3]) for place in range(len(values) - 2)), fmean(values[-3:])


Rule = Callable[[Book, Row, re.Match[str]], Number | tuple[Number, Number, Number]]


def recomputed(book: Book, question: str, row: Row) -> tuple[Number, Number, Number]:
    """The value and both ends of the interval; raises LookupError for an unknown row."""
    for pattern, rule in RULES[question]:
        if match := re.fullmatch(pattern, row.what):
            found = rule(book, row, match)
            return found if isinstance(found, tuple) else (found, None, None)
    raise LookupError(f"{question}: {row.what}")


def _paired(differences: list[float]) -> tuple[Number, Number, Number]:
    found = interval(differences)
    return found.estimate, found.low, found.high


def _labelled_loss(book: Book, row: Row, match: re.Match[str]) -> Number:
    race, label = row.source, match["label"]
    return fmean(book.last(run) for run in book.of(race, book.variant(race, label)))


def _chars(book: Book, row: Row, _match: re.Match[str]) -> Number:
    return float(book.plan(row.source)["budget"]["chars"])


# --- clipping --------------------------------------------------------------------------------------------------------


def _clip_difference(book: Book, row: Row, _match: re.Match[str]) -> tuple[Number, Number, Number]:
    return _paired(book.differences(row.source, 1, 0))


def _clip_side(number: Callable[[Book, list[str]], float]) -> Rule:
    def rule(book: Book, row: Row, match: re.Match[str]) -> Number:
        return number(book, book.of(row.source, 0 if match["side"] == "off" else 1))

    return rule


def _rises(book: Book, runs: list[str]) -> float:
    losses = [[loss for _, _, loss in book.validations(run)] for run in runs]
    return fmean(each[-1] - min(each) for each in losses)


def _all_points(book: Book, row: Row, variant: int) -> list[Any]:
    return [point for run in book.of(row.source, variant) for point in book.points(run)]


def _factor(book: Book, row: Row, _match: re.Match[str]) -> Number:
    factors = [point[4] for point in _all_points(book, row, 1) if point[3]]
    return fmean(factors) if factors else 1.0


def _rates(book: Book, row: Row, _match: re.Match[str]) -> Number:
    on, off = (fmean(weighted(book.points(run), 5) for run in book.of(row.source, variant)) for variant in (1, 0))
    return on / off


# --- bptt-40-vs-10 ---------------------------------------------------------------------------------------------------


def _bptt(book: Book, row: Row, match: re.Match[str]) -> tuple[Number, Number, Number]:
    long, short = (1, 0) if match["targets"] == "last target" else (3, 2)
    return _paired(book.differences(row.source, long, short, match["at"]))


def _bptt_removed(book: Book, row: Row, _match: re.Match[str]) -> tuple[Number, Number, Number]:
    last, every = book.differences(row.source, 1, 0), book.differences(row.source, 3, 2)
    return _paired([one - other for one, other in zip(last, every, strict=True)])


def _bptt_updates(book: Book, row: Row, match: re.Match[str]) -> Number:
    runs = book.of(row.source, book.variant(row.source, match["label"]))
    return fmean(book.validations(run)[-1][0] for run in runs)


def _random_difference(book: Book, row: Row, match: re.Match[str]) -> tuple[Number, Number, Number]:
    variant = book.variant(row.source, f"bptt {match['law']}")
    return _paired(book.differences(row.source, variant, 0))


def _random_loss(book: Book, row: Row, match: re.Match[str]) -> Number:
    variant = book.variant(row.source, f"bptt {match['law']}")
    return fmean(book.last(run) for run in book.of(row.source, variant))


# --- norms -----------------------------------------------------------------------------------------------------------


def _runs(row: Row) -> list[str]:
    return row.source.split(", ")


def _norms(book: Book, row: Row) -> list[float]:
    return [point[1] for run in _runs(row) for point in book.points(run) if point[-1] == 1]


def _over_norms(number: Callable[[list[float]], float]) -> Rule:
    return lambda book, row, _match: number(_norms(book, row))


def _norm_share(book: Book, row: Row, match: re.Match[str]) -> Number:
    norms = _norms(book, row)
    return sum(norm >= float(match["norm"]) for norm in norms) / len(norms)


def _learnt(book: Book, row: Row, _match: re.Match[str]) -> tuple[Number, Number, Number]:
    losses = [[loss for _, _, loss in book.validations(run)] for run in _runs(row)]
    return _paired([end - half for half, end in losses])


def _by_lag(book: Book, row: Row) -> list[dict[str, Any]]:
    return [book.probes(run, "gradient_by_lag")[-1] for run in _runs(row)]


def _planted_norm(book: Book, row: Row, match: re.Match[str]) -> Number:
    (reading,) = book.probes(row.source, f"agreement, recurrent weights times {match['factor']}")
    return math.sqrt(reading["signal"] + reading["noise"])


def _planted_decay(book: Book, row: Row, match: re.Match[str]) -> Number:
    (reading,) = book.probes(row.source, f"gradient_by_lag, recurrent weights times {match['factor']}")
    decay: Number = reading["decay"]
    return decay


def _probe(instrument: str, name: str) -> Rule:
    return lambda book, row, _match: book.probes(row.source, instrument)[-1][name]


NORMS: list[tuple[str, Rule]] = [
    (r".*: updates with a norm of (?P<norm>[\d.]+) or more", _norm_share),
    (r".*: smallest norm", _over_norms(min)),
    (r".*: median norm", _over_norms(median)),
    (r".*: largest norm", _over_norms(max)),
    (r".*: mean norm at the beginning", lambda book, row, _: fmean(book.points(run)[0][1] for run in _runs(row))),
    (r".*: validation loss at the end", lambda book, row, _: fmean(book.last(run) for run in _runs(row))),
    (r".*: its change over the second half", _learnt),
    (
        r".*: gradient's factor per character back, largest",
        lambda book, row, _: max(each["decay"] for each in _by_lag(book, row)),
    ),
    (
        r".*: left of it 10 characters back",
        lambda book, row, _: fmean(each["relative"][10] for each in _by_lag(book, row)),
    ),
    (r"recurrent weights × (?P<factor>[\d.]+): factor per character back", _planted_decay),
    (r"recurrent weights × (?P<factor>[\d.]+): norm", _planted_norm),
    (r"median norm, loss as it is", _probe("scaled_loss", "norm")),
    (r"median norm, loss × .*", _probe("scaled_loss", "moved")),
    (r"largest difference of the losses of both", _probe("scaled_loss", "apart")),
    (r"fall of the loss meanwhile", _probe("scaled_loss", "fell")),
]

# --- seq-len, numerics -----------------------------------------------------------------------------------------------


def _seq_len(name: str, of: Callable[[list[float]], float]) -> Rule:
    return lambda book, row, _match: of([book.probes(run, "seq_len")[-1][name] for run in _runs(row)])


def _numerics(name: str) -> Rule:
    def rule(book: Book, row: Row, match: re.Match[str]) -> Number:
        return max(float(book.probes(run, f"numerics, {match['kind']}")[-1][name]) for run in _runs(row))

    return rule


def _noise(book: Book, row: Row, _match: re.Match[str]) -> Number:
    return fmean(math.sqrt(1 - book.probes(run, "agreement")[-1]["share"]) for run in _runs(row))


# --- climb -----------------------------------------------------------------------------------------------------------


def _climb_levels(book: Book, row: Row, name: str) -> list[tuple[float, float]]:
    return [level([reading[name] for reading in book.probes(run, "control")]) for run in _runs(row)]


def _climbing(book: Book, row: Row, _match: re.Match[str]) -> Number:
    """The runs whose loss rises by more than its noise, which `engine.diagnosis.climb` defines."""
    from engine.diagnosis.climb import rise

    series = [[reading["seen"] for reading in book.probes(run, "control")] for run in _runs(row)]
    return sum(rise(list(enumerate(values))) is not None for values in series) / len(series)


def _reading_rise(book: Book, row: Row, _match: re.Match[str]) -> Number:
    levels = [level([point[0] for point in book.points(run)]) for run in _runs(row)]
    return fmean(end - low for low, end in levels)


def _growth(book: Book, row: Row, _match: re.Match[str]) -> Number:
    growths = []
    for run in _runs(row):
        sizes = [math.hypot(*reading["norms"]) for reading in book.probes(run, "update_ratio")]
        growths.append(sizes[-1] / sizes[0])
    return fmean(growths)


def _moves(book: Book, row: Row, _match: re.Match[str]) -> Number:
    return fmean(fmean(reading["whole"] for reading in book.probes(run, "update_ratio")[1:]) for run in _runs(row))


def _spike(book: Book, row: Row, _match: re.Match[str]) -> Number:
    points = [book.points(run) for run in _runs(row)]
    return fmean(max(point[2] for point in each) / weighted(each, 1) for each in points)


def _last_probe(instrument: str, name: str) -> Rule:
    return lambda book, row, _match: fmean(book.probes(run, instrument)[-1][name] for run in _runs(row))


def _same_seed(book: Book, run: str, rate: float) -> str:
    """The run of the same seed and rate in which nothing was changed."""
    seed = book.settings(run)["seed"]
    for (name,) in book.rows("select name from runs where name like 'ask-climb-%' order by number"):
        settings = book.settings(name)
        begun = book.rows(
            "select 1 from notes n join runs r on n.run = r.number where r.name = ? and n.kind = 'begin'", name
        )
        ((text,),) = book.rows("select text from runs where name = ?", name)
        as_it_is = not begun and "shuffled" not in text and settings["clip"] is None
        if as_it_is and settings["seed"] == seed and math.isclose(settings["lr"], rate):
            found: str = name
            return found
    raise LookupError(run)


def _climb_difference(book: Book, row: Row, match: re.Match[str]) -> tuple[Number, Number, Number]:
    found = []
    for run in sorted(_runs(row), key=lambda run: book.settings(run)["seed"] != 0):
        usual = _same_seed(book, run, float(match["rate"]))
        ends = [level([reading["seen"] for reading in book.probes(each, "control")])[1] for each in (run, usual)]
        found.append(ends[0] - ends[1])
    return _paired(found)


SIDE = r".*: {}, (?P<side>off|clip 1)"
RULES: dict[str, list[tuple[str, Rule]]] = {
    "clipping": [
        (r".*: clip 1 less off", _clip_difference),
        (SIDE.format("validation loss"), _clip_side(lambda book, runs: fmean(map(book.last, runs)))),
        (SIDE.format("its rise over the lowest"), _clip_side(_rises)),
        (r".*: updates cut", lambda book, row, _: weighted(_all_points(book, row, 1), 3)),
        (r".*: what a cut gradient is multiplied with", _factor),
        (r".*: mean norm, off", lambda book, row, _: weighted(_all_points(book, row, 0), 1)),
        (r".*: largest norm, off", lambda book, row, _: max(point[2] for point in _all_points(book, row, 0))),
        (r".*: effective rate, clip 1 / off", _rates),
    ],
    "bptt-40-vs-10": [
        (r"geom:41 less geom:11, (?P<targets>last target|all targets), equal (?P<at>characters|updates)", _bptt),
        (r"the first less the second: what all targets take away", _bptt_removed),
        (r"validation loss, (?P<label>.*)", _labelled_loss),
        (r"updates, (?P<label>.*)", _bptt_updates),
        (r"characters of each training", _chars),
        (
            r"gradient 40 characters back, geom:41",
            lambda book, row, _: book.probes(row.source, "gradient_by_lag")[-1]["relative"][40],
        ),
        (r"its factor per character, geom:41", _probe("gradient_by_lag", "decay")),
    ],
    "random-length": [
        (r"validation loss, (?P<law>[^,]*), (all|last)", _random_loss),
        (r"(?P<law>.*) less 10, (all|last)", _random_difference),
        (r"characters of each training, (all|last)", _chars),
    ],
    "norm-12": NORMS,
    "norm-0.05": NORMS,
    "seq-len": [
        (r"once against kept: .*, the largest", _seq_len("kept", max)),
        (r"once against detached: .*, the least", _seq_len("detached", min)),
        (r"the same, recurrent weights alone, the least", _seq_len("recurrent", min)),
        (r"the same, head alone, the mean", _seq_len("head", fmean)),
        (r"relative difference of the three losses, the largest", _seq_len("loss", max)),
        (r"‖∂loss\(\d+\)/∂input\(1\)‖, once, the mean", _seq_len("first", fmean)),
        (r"the same, graph kept, the mean", _seq_len("first_kept", fmean)),
        (r"the same, detached, the mean", _seq_len("first_detached", fmean)),
    ],
    "numerics": [
        (r"(?P<kind>.*): error of the loss, largest", _numerics("loss_error")),
        (r"(?P<kind>.*): error of the gradient, largest", _numerics("gradient_error")),
        (r"(?P<kind>.*): not finite", _numerics("non_finite")),
        (r"(?P<kind>.*): gradient's numbers that are subnormal", _numerics("subnormal")),
        (r"(?P<kind>.*): gradient's numbers lost to zero", _numerics("lost")),
        (r"noise of one update's gradient", _noise),
        (r"bfloat16 less float32", lambda book, row, _: _paired(book.differences(row.source, 1, 0))),
        (
            r"validation loss, (?P<label>.*)",
            lambda book, row, match: fmean(
                book.last(run) for run in book.of(row.source, book.variant(row.source, f"dtype {match['label']}"))
            ),
        ),
        (r"characters of each training", _chars),
    ],
    "climb": [
        (r".*: trainings that climb", _climbing),
        (
            r"largest rise that is no climb",
            lambda book, row, _: max(end - low for low, end in _climb_levels(book, row, "seen")),
        ),
        (
            r".*: lowest loss at fixed places",
            lambda book, row, _: fmean(low for low, _ in _climb_levels(book, row, "seen")),
        ),
        (r".*: the same at the end", lambda book, row, _: fmean(end for _, end in _climb_levels(book, row, "seen"))),
        (
            r".*: held-out text, rise over its lowest",
            lambda book, row, _: fmean(end - low for low, end in _climb_levels(book, row, "held_out")),
        ),
        (r".*: text being read, rise over its lowest", _reading_rise),
        (r".*: an update moves the weights by", _moves),
        (r".*: growth of the weights", _growth),
        (r".*: rate × curvature / bound", _last_probe("sharpness", "ratio")),
        (r".*: gradients' agreement from update to update", _last_probe("agreement", "share")),
        (r".*: largest norm / mean norm", _spike),
        (r"rate (?P<rate>[^,]*), .*: loss at the end less as it is", _climb_difference),
    ],
}
"""How each line of evidence is computed, by what it says."""
