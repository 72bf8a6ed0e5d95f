"""Writes docs/answers.md: a complaint about a training, tried again, and the eight questions that came with it.

`python docs/make_answers.py [TEXT] [LAB]` trains for one to two hours on two processors. What is in the lab already is
not trained again, so that it can be interrupted and gone on with.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

from engine.autopsy.rise import Rise, find_rise
from engine.bench.plain import PlainLoop, Way
from engine.budget import Budget
from engine.lab import Lab
from engine.network.model import network_name
from engine.questions.asking import Asked, Asking
from engine.questions.experiment import found
from engine.questions.phrases import listed, rule
from engine.questions.question import ALL, Answer, Question, find
from engine.race.opening import prepared, write_down
from engine.race.plan import MIN_EFFECT, Plan, Variant, grid
from engine.race.race import Racing
from engine.race.result import Verdict
from engine.race.statistics.interval import Interval, interval
from engine.race.statistics.sentence import signed
from engine.race.statistics.verdict import verdict
from engine.race.store import Races
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.text.source import read_text
from engine.windows import ALL as ALL_TARGETS
from engine.windows import LAST, LengthLaw
from engine.workers.places import HERE, place
from tui.command_line.ask import evidence_cells
from tui.export.lab_reader import read_race
from tui.export.markdown import escaped
from tui.export.pictures import LIGHT, render
from tui.export.race_pictures import race_pictures

PAGE = Path(__file__).parent / "answers.md"
PICTURES = Path(__file__).parent / "answers"

HALF_AN_HOUR = 1800.0
SEEDS = 4

HERS = Settings(
    hidden=128, streams=1, targets=LAST, optimizer="adam", lr=1e-3, warmup=0, bptt=LengthLaw("geom", 11, 11)
)
"""One stream, the text in order, a step on a random 1 in 11 characters with the loss on that one, Adam as it comes."""

ONE_BY_ONE = replace(HERS, bptt=LengthLaw.fixed(1), targets=ALL_TARGETS)

SHORT, LONG = "geom:11", "geom:41"

AS_SHE_HAD_IT = "as she had it"
REMEDIES = (
    Variant(AS_SHE_HAD_IT, {}),
    Variant("a third of the rate", {"lr": float(f"{HERS.lr / 3:.3g}")}),
    Variant("every character a target", {"targets": ALL_TARGETS}),
    Variant("16 streams", {"streams": 16}),
)
"""One thing changed at a time, where the loss may climb."""
REMEDY_SEEDS = 3


def main(text: str = "shakespeare.txt", folder: str = "answers-lab") -> None:
    """Train what is missing in the lab, and write the page."""
    lab = Path(folder)
    corpus, source = read_text(text, None, HERS.vocabulary, lab, lambda _what, _share: None)
    windows = _raced(lab, _windows(corpus), corpus, source)
    one_by_one = _raced(lab, _one_by_one(corpus), corpus, source)
    remedies = _raced(lab, _remedies(windows.plan.budget), corpus, source)
    parts = [_head(corpus)]
    for title, raced, conclusions in (
        (
            f"Windows of {SHORT[5:]} and of {LONG[5:]}, with and without clipping",
            windows,
            (_whether_it_climbed, _whether_long_failed),
        ),
        ("One character at a time", one_by_one, (_whether_it_climbed,)),
        ("What takes the climb away", remedies, (_what_removes_it,)),
    ):
        parts += _told(lab, raced, title, corpus)
        climbs = [_climbs(raced.of(variant), corpus) for variant in range(len(raced.plan.variants))]
        for conclude in conclusions:
            parts += [conclude(raced, climbs), ""]
    parts += ["## The eight questions", ""]
    asking = Asking(Asked(find(ALL), text, None, {}, lab), lambda what: print(what, file=sys.stderr))
    for question, answer in asking.answers():
        parts += _answered(question, answer)
    PAGE.write_text("\n".join(parts).rstrip() + "\n")
    print(f"wrote {PAGE}")


# --- trainings -------------------------------------------------------------------------------------------------------


def _windows(corpus: Corpus) -> Plan:
    variants = grid([f"bptt={SHORT},{LONG}", "clip=off,1"])
    return Plan(settings=HERS, variants=variants, budget=Budget(chars=_half_an_hour(corpus, HERS)), seeds=SEEDS)


def _one_by_one(corpus: Corpus) -> Plan:
    budget = Budget(chars=_half_an_hour(corpus, ONE_BY_ONE))
    return Plan(settings=ONE_BY_ONE, variants=grid(["clip=off,1"]), budget=budget, seeds=SEEDS)


def _remedies(budget: Budget) -> Plan:
    return Plan(settings=HERS, variants=REMEDIES, budget=budget, seeds=REMEDY_SEEDS)


def _half_an_hour(corpus: Corpus, settings: Settings) -> int:
    """The characters that the usual loop around `nn.LSTM` reads in half an hour here, to two digits."""
    loop = PlainLoop(corpus, settings, Way(fused=False))
    chars = HALF_AN_HOUR * median(loop.rate(3.0) for _ in range(3))
    return int(round(chars, 1 - math.floor(math.log10(chars))))


def _raced(folder: Path, plan: Plan, corpus: Corpus, source: str) -> found.Raced:
    """Run a race, or what is left of it where the lab has begun it."""
    with Lab.open(folder) as lab:
        wanted = prepared(plan, corpus, None)
        # How many characters half an hour is varies with the machine's other work.
        begun = [race for race in Races(lab).all() if _same(race.plan, wanted) and race.digest == corpus.digest]
        race = begun[-1] if begun else write_down(lab, wanted, corpus, source, None)
        if race.status != "done":
            print(f"{race.name}: {', '.join(each.label for each in plan.variants)}", file=sys.stderr)
            Racing(lab, race, corpus, None, place(HERE), lambda _stands: None).run()
        return found.race(lab, race.name)


def _same(one: Plan, other: Plan) -> bool:
    return replace(one, budget=other.budget) == other


# --- words -----------------------------------------------------------------------------------------------------------


def _head(corpus: Corpus) -> str:
    return f"""# Answers

Somebody trained a character-level LSTM of 128 units on one stream, the text in order, with Adam: a step on a
random 1 in 11 characters, with the loss on that one. The loss fell and then climbed a lot, windows of 40 failed
where 10 worked, and each idea took half an hour. Here the same is trained again on {corpus.name}
({corpus.chars:,} characters), for as many characters as the usual loop around `nn.LSTM` reads in half an hour
on the machine that wrote this page; and the eight questions that she asked are answered by `charrnn-tui ask`.
Everything below was put together by `docs/make_answers.py` from what was measured. Losses are nats per
character of the validation split, differences come with 95 % intervals that hold however often one looks.
"""


Climbs = Sequence[Sequence[Rise | None]]
"""By variant and seed, where the training loss climbed; None where it did not."""


def _told(folder: Path, raced: found.Raced, title: str, corpus: Corpus) -> Iterator[str]:
    """The result of a race: its pictures, and a row for each variant."""
    with Lab.open_existing(folder) as lab:
        _, data = read_race(lab, Races(lab).get(raced.name))
    PICTURES.mkdir(exist_ok=True)
    yield from (f"## {title}", "")
    shared = raced.plan.settings
    clip = "" if "clip" in raced.plan.varied() else f", clipping at {shared.write('clip')}"
    yield (
        f"{network_name(shared)}, {rule(shared)}{clip}, but for what is named; {raced.plan.budget.chars or 0:,} "
        f"characters for each training, {len(raced.seeds)} seeds."
    )
    for picture in race_pictures(data):
        path = PICTURES / f"{raced.name}-{picture.name}.svg"
        path.write_bytes(render(picture, LIGHT, "svg"))
        yield from ("", f"![{picture.title}](answers/{path.name})", "", f"**{picture.title}.** {picture.caption}")
    yield from ("", f"| {' | '.join(TITLES)} |", f"|{' --- |' * len(TITLES)}")
    for place_, variant in enumerate(raced.plan.variants):
        trainings = raced.of(place_)
        heights = [rise.after - rise.before for rise in _climbs(trainings, corpus) if rise is not None]
        first, last = (fmean(_norm(each, quarter) for each in trainings) for quarter in (0, 3))
        cells = (
            variant.label,
            f"{fmean(each.loss for each in trainings):.3f}",
            f"{fmean(_lowest(each) for each in trainings):.3f}",
            _against(raced.difference(place_, 0, "chars")) if place_ else "–",
            _against(raced.difference(place_, 0, "updates")) if place_ else "–",
            f"{len(heights)} of {len(trainings)}",
            f"{median(heights):.2f} nats" if heights else "–",
            f"{first:.3g} → {last:.3g}",
        )
        yield f"| {' | '.join(escaped(cell) for cell in cells)} |"
    yield ""


TITLES = (
    "variant",
    "validation loss",
    "lowest",
    "against the first",
    "at equal updates",
    "climbed",
    "by",
    "gradient norm, first → last quarter",
)


def _climbs(trainings: Sequence[found.Training], corpus: Corpus) -> list[Rise | None]:
    ceiling = math.log(corpus.vocabulary.size) * corpus.tokens_per_char
    return [find_rise([point.loss for point in each.points], ceiling) for each in trainings]


def _lowest(training: found.Training) -> float:
    return min((rung.loss for rung in training.lane.rungs), default=math.inf)


def _norm(training: found.Training, quarter: int) -> float:
    points = training.points
    return found.typical_norm(points[quarter * len(points) // 4 : (quarter + 1) * len(points) // 4])


def _against(at: Interval) -> str:
    return f"{signed(at.estimate)} ({signed(at.low)} … {signed(at.high)})" if at.pairs else "not comparable"


def _told_climbs(raced: found.Raced, climbs: Climbs) -> tuple[str, list[str]]:
    """Of which variants how many climbed, and those of which none did."""
    by_label = {
        variant.label: f"in {sum(rise is not None for rise in each)} of {len(each)}"
        for variant, each in zip(raced.plan.variants, climbs, strict=True)
        if any(each)
    }
    calm = [variant.label for variant in raced.plan.variants if variant.label not in by_label]
    return ", ".join(f"{label} {count}" for label, count in by_label.items()), calm


def _whether_it_climbed(raced: found.Raced, climbs: Climbs) -> str:
    """Whether the climb came back, and with which variants."""
    told, calm = _told_climbs(raced, climbs)
    if not told:
        return "**The climb did not come back**: in none of these trainings does the loss rise out of its own scatter."
    without = f" Without a climb: {', '.join(calm)}." if calm else " No variant was without one."
    return f"**The climb came back**: {told}.{without}"


def _whether_long_failed(raced: found.Raced, _climbs: Climbs) -> str:
    """Whether the long windows do worse than the short ones: on the way, at the end, at equal updates."""
    by_clip = {name: _long_less_short(raced, clip) for name, clip in (("clip off", None), ("clip 1", 1.0))}
    lines = [
        f"| windows of {LONG[5:]} less those of {SHORT[5:]} | {' | | '.join(by_clip)} | |",
        "| --- | --- | --- | --- | --- |",
    ]
    worse: list[str] = []
    better: list[str] = []
    for what in next(iter(by_clip.values())):
        verdicts = {name: verdict(differences[what], MIN_EFFECT) for name, differences in by_clip.items()}
        cells = (f"{_against(by_clip[name][what])} | {said}" for name, said in verdicts.items())
        lines.append(f"| {what} | {' | '.join(cells)} |")
        for word, places in ((Verdict.WORSE, worse), (Verdict.BETTER, better)):
            if names := [name for name, said in verdicts.items() if said == word]:
                places.append(f"{what} ({' and '.join(names)})")
    came = f"came back: they are worse {listed(worse)}" if worse else "did not come back"
    said = f"**The failure at 40 {came}.**"
    if better:
        said += f" They are better {listed(better)}."
    if worse and not any(EQUAL_UPDATES in each for each in worse):
        said += (
            " At equal updates they are not worse: what fails is the number of updates and of targets, not the length."
        )
    fewer = fmean(one.lane.rungs[-1].updates / other.lane.rungs[-1].updates for one, other in raced.pairs(0, 2))
    said += (
        f" The same text gives them {fewer:.2f} times fewer updates, and as many fewer targets. What "
        "`bptt-40-vs-10` below finds is of much shorter trainings."
    )
    return "\n".join([*lines, "", said])


EQUAL_UPDATES = "at equal updates"


def _long_less_short(raced: found.Raced, clip: float | None) -> dict[str, Interval]:
    """The loss with long windows less that with short ones, by where they are compared."""
    short, long = (
        next(
            at
            for at, each in enumerate(raced.plan.variants)
            if each.changes == {"bptt": LengthLaw.parse(bptt), "clip": clip}
        )
        for bptt in (SHORT, LONG)
    )
    pairs = raced.pairs(long, short)
    differences: dict[str, Interval] = {}
    for rung in range(min(len(training.lane.rungs) for pair in pairs for training in pair)):
        chars = fmean(pair[1].lane.rungs[rung].chars for pair in pairs)
        losses = [tuple(each.lane.rungs[rung].loss for each in pair) for pair in pairs]
        differences[f"after {float(f'{chars:.3g}'):,.0f} characters"] = interval([one - other for one, other in losses])
    differences["at the lowest of each"] = interval([_lowest(one) - _lowest(other) for one, other in pairs])
    differences[EQUAL_UPDATES] = raced.difference(long, short, "updates")
    return differences


def _what_removes_it(raced: found.Raced, climbs: Climbs) -> str:
    """Which change takes the climb away, and what it costs or wins."""
    told, calm = _told_climbs(raced, climbs)
    first = raced.plan.variants[0].label
    if first in calm:
        return f"Nothing to take away: {first}, the loss does not climb here."
    if not calm:
        return f"**None of these changes takes the climb away**: {told}."
    said = f"**The climb is gone with {listed(calm)}**, one change at a time; it is there {told}."
    parts = []
    for at, variant in enumerate(raced.plan.variants):
        settings = raced.plan.chosen(at)
        losses = settings.streams * (1 if settings.targets == LAST else settings.bptt.mean)
        norm = fmean(found.typical_norm(each.points) for each in raced.of(at))
        parts.append(f"{variant.label}: {losses:.0f}, norm {norm:.3g}")
    said += f" Losses that an update's gradient is the mean of, and its mean norm: {'; '.join(parts)}."
    if {"a third of the rate", "16 streams"} <= set(calm):
        said += (
            " Shorter steps take it away, and so do steps of the same rate on the mean of more losses, whose gradient "
            "is smaller by what averages out: **the steps are too long for the noise of so few losses**. They carry "
            "the weights away from what was learnt, and the gradients grow meanwhile; clipping at 1, with which all of "
            "these were trained, does not keep them from it."
        )
    return said


def _answered(question: Question, answer: Answer) -> Iterator[str]:
    """A question with its evidence, its answer and its limits."""
    yield from (
        f"### {question.name}: {question.asks}",
        "",
        f"**{escaped(answer.answer)}** {escaped(answer.reason)}",
        "",
    )
    yield from ("| evidence | value | 95 % interval | seeds |", "| --- | --- | --- | --- |")
    for row in answer.rows:
        yield f"| {' | '.join(escaped(cell) for cell in evidence_cells(row)[:4])} |"
    yield ""
    yield from (f"- {escaped(limit)}" for limit in answer.limits)
    yield from ("", escaped(answer.did), "")
    yield from (f"- {escaped(name)}: {escaped(value)}" for name, value in answer.conditions)
    yield ""


if __name__ == "__main__":
    main(*sys.argv[1:])
