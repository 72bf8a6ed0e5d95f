"""Writes docs/answers.md: a complaint about a training, tried again, and the eight questions that came with it.

`python docs/make_answers.py [TEXT] [LAB]` trains for about an hour on two processors. What is in the lab already is not
trained again, so that it can be interrupted and gone on with.
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
from engine.corpus import Corpus
from engine.lab import Lab, Races
from engine.opening import read_text
from engine.questions import found
from engine.questions.asking import Asked, Asking
from engine.questions.question import ALL, Answer, Question, find
from engine.race.executors import HERE, place
from engine.race.opening import prepared, write_down
from engine.race.plan import Plan, grid
from engine.race.race import Racing
from engine.race.sentence import signed
from engine.schedule import Budget
from engine.settings import Settings
from engine.windows import ALL as ALL_TARGETS
from engine.windows import LAST, LengthLaw
from tui.ask import evidence_cells
from tui.export.markdown import escaped
from tui.export.pictures import LIGHT, render
from tui.export.race_pictures import race_pictures
from tui.export.reading import read_race

PAGE = Path(__file__).parent / "answers.md"
PICTURES = Path(__file__).parent / "answers"

HALF_AN_HOUR = 1800.0
SEEDS = 4

HERS = Settings(
    hidden=128, streams=1, targets=LAST, optimizer="adam", lr=1e-3, warmup=0, bptt=LengthLaw("geom", 11, 11)
)
"""One stream, the text in order, a step on a random 1 in 11 characters with the loss on that one, Adam as it comes."""

ONE_BY_ONE = replace(HERS, bptt=LengthLaw.fixed(1), targets=ALL_TARGETS)


def main(text: str = "shakespeare.txt", folder: str = "answers-lab") -> None:
    """Train what is missing in the lab, and write the page."""
    lab = Path(folder)
    corpus, source = read_text(text, None, HERS.vocabulary, lab, lambda _what, _share: None)
    parts = [_head(corpus)]
    for title, plan in (
        ("Windows of 11 and of 41, with and without clipping", _windows(corpus)),
        ("One character at a time", _one_by_one(corpus)),
    ):
        name = _raced(lab, plan, corpus, source)
        parts += _told(lab, name, title, corpus)
    parts += ["## The eight questions", ""]
    asking = Asking(Asked(find(ALL), text, None, {}, lab), lambda what: print(what, file=sys.stderr))
    for question, answer in asking.answers():
        parts += _answered(question, answer)
    PAGE.write_text("\n".join(parts).rstrip() + "\n")
    print(f"wrote {PAGE}")


# --- trainings -------------------------------------------------------------------------------------------------------


def _windows(corpus: Corpus) -> Plan:
    variants = grid(["bptt=geom:11,geom:41", "clip=off,1"])
    return Plan(settings=HERS, variants=variants, budget=Budget(chars=_half_an_hour(corpus, HERS)), seeds=SEEDS)


def _one_by_one(corpus: Corpus) -> Plan:
    budget = Budget(chars=_half_an_hour(corpus, ONE_BY_ONE))
    return Plan(settings=ONE_BY_ONE, variants=grid(["clip=off,1"]), budget=budget, seeds=SEEDS)


def _half_an_hour(corpus: Corpus, settings: Settings) -> int:
    """The characters that the usual loop around `nn.LSTM` reads in half an hour here, to two digits."""
    loop = PlainLoop(corpus, settings, Way(fused=False))
    chars = HALF_AN_HOUR * median(loop.rate(3.0) for _ in range(3))
    return int(round(chars, 1 - math.floor(math.log10(chars))))


def _raced(folder: Path, plan: Plan, corpus: Corpus, source: str) -> str:
    """Run a race, or what is left of it where the lab has begun it; returns its name."""
    with Lab.open(folder) as lab:
        wanted = prepared(plan, corpus, None)
        # How many characters half an hour is varies with the machine's other work.
        begun = [race for race in Races(lab).all() if _same(race.plan, wanted) and race.digest == corpus.digest]
        race = begun[-1] if begun else write_down(lab, wanted, corpus, source, None)
        if race.status != "done":
            print(f"{race.name}: {', '.join(each.label for each in plan.variants)}", file=sys.stderr)
            Racing(lab, race, corpus, None, place(HERE), lambda _stands: None).run()
    return race.name


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


def _told(folder: Path, name: str, title: str, corpus: Corpus) -> Iterator[str]:
    """What became of a race: its pictures, a row for each variant, what climbed, and what follows."""
    with Lab.open_existing(folder) as lab:
        raced = found.race(lab, name)
        _, data = read_race(lab, Races(lab).race(name))
    PICTURES.mkdir(exist_ok=True)
    yield from (f"## {title}", "")
    chars = raced.plan.budget.chars or 0
    yield f"{chars:,} characters for each training, {len(raced.seeds)} seeds."
    for picture in race_pictures(data):
        path = PICTURES / f"{name}-{picture.name}.svg"
        path.write_bytes(render(picture, LIGHT, "svg"))
        yield from ("", f"![{picture.title}](answers/{path.name})", "", f"**{picture.title}.** {picture.caption}")
    yield from ("", "| variant | validation loss | lowest | against the first | at equal updates | climbed | by |")
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    ceiling = math.log(corpus.vocabulary.size) * corpus.tokens_per_char
    climbs = [_climbs(raced.of(variant), ceiling) for variant in range(len(raced.plan.variants))]
    for place_, variant in enumerate(raced.plan.variants):
        trainings = raced.of(place_)
        lowest = fmean(min((rung.loss for rung in each.lane.rungs), default=math.inf) for each in trainings)
        heights = [rise.after - rise.before for rise in climbs[place_] if rise is not None]
        cells = (
            variant.label,
            f"{fmean(each.loss for each in trainings):.3f}",
            f"{lowest:.3f}",
            _difference(raced, place_, "chars"),
            _difference(raced, place_, "updates"),
            f"{len(heights)} of {len(trainings)}",
            f"{median(heights):.2f} nats" if heights else "–",
        )
        yield f"| {' | '.join(escaped(cell) for cell in cells)} |"
    yield from ("", _whether(raced, climbs), "")


def _climbs(trainings: Sequence[found.Training], ceiling: float) -> list[Rise | None]:
    """Where each training loss climbed, None where it did not."""
    return [find_rise([point.loss for point in each.points], ceiling) for each in trainings]


def _difference(raced: found.Raced, variant: int, measure: str) -> str:
    if not variant:
        return "–"
    at = raced.difference(variant, 0, measure)
    return f"{signed(at.estimate)} ({signed(at.low)} … {signed(at.high)})" if at.pairs else "not comparable"


def _whether(raced: found.Raced, climbs: Sequence[Sequence[Rise | None]]) -> str:
    """Whether the climb came back, with which variants, and what differs between those with it and those without."""
    by_label = {
        variant.label: (sum(rise is not None for rise in each), len(each))
        for variant, each in zip(raced.plan.variants, climbs, strict=True)
    }
    climbed = {label: count for label, count in by_label.items() if count[0]}
    if not climbed:
        return "**The climb did not come back**: in none of these trainings does the loss rise out of its own scatter."
    told = ", ".join(f"{label} in {some} of {all_}" for label, (some, all_) in climbed.items())
    calm = [label for label in by_label if label not in climbed]
    without = f" Without a climb: {', '.join(calm)}." if calm else " No variant was without one."
    return f"**The climb came back**: {told}.{without}"


def _answered(question: Question, answer: Answer) -> Iterator[str]:
    """A question with its evidence, its answer and its limits."""
    yield from (f"### {question.name}: {question.asks}", "", f"**{escaped(answer.says)}**", "", escaped(answer.did), "")
    yield from ("| evidence | value | 95 % interval | seeds |", "| --- | --- | --- | --- |")
    for row in answer.rows:
        yield f"| {' | '.join(escaped(cell) for cell in evidence_cells(row)[:4])} |"
    yield ""
    yield from (f"- {escaped(limit)}" for limit in answer.limits)
    yield ""


if __name__ == "__main__":
    main(*sys.argv[1:])
