"""Why does the loss climb, how is that possible? A training in which it does, and the same with one thing changed.

One stream reads the text in its order, with the last character of each window alone a target and without clipping, at
the learning rate of the preset and at higher ones. Three losses are compared: of the text being read, at fixed places
of the training split, and of held-out text. A harder chapter raises only the first, memorising the text only the last,
and a network that gets worse all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.budget import Budget
from engine.questions.climb.answer import answer
from engine.questions.climb.evidence import (
    AS_IS,
    CHANGED,
    CLIP,
    CLIPPED,
    ELSEWHERE,
    SHUFFLED,
    SLOWER,
    Runs,
    chosen,
    evidence,
    group,
)
from engine.questions.experiment.experiments import Experiments, Recorded
from engine.questions.experiment.trial import AROUND, Look, Stage, Trial
from engine.questions.phrases import listed
from engine.questions.question import Answer
from engine.race.plan import seeded
from engine.settings import LARGEST, Settings

FACTORS = (1, 3, 9, 27)
"""The learning rates that are tried, as multiples of the preset's; each is three times the one before."""

STAGES = 12
"""The number of readings in each training."""

FIRST_SEEDS, SEEDS = 2, 5
LONGER = 2
"""The factor by which the next trainings are longer, where the loss has not climbed yet and there is time."""

PIECE, PIECES = 1_000, 20
"""The characters in a piece of the shuffled text, and the fewest pieces; a short text has shorter pieces."""


def investigate(experiments: Experiments) -> Answer:
    """Look for a learning rate at which the loss climbs, and then for a change that removes the climb."""
    experiments.need(24)
    settings = experiments.settings("random-step", clip=None)
    rates = [min(LARGEST, settings.lr * factor) for factor in FACTORS]
    (pace,) = experiments.paces(settings)
    # The second part reuses the first part's trainings at the chosen rate and at a third of it.
    trainings = FIRST_SEEDS * len(rates) + SEEDS * (len(CHANGED) + 1) - 2 * FIRST_SEEDS
    chars = experiments.chars(pace, experiments.left, trainings, validations=STAGES)
    first_seeds = min(FIRST_SEEDS, experiments.scale.most_seeds)
    wanted = [(AS_IS, rate, seed) for seed in range(first_seeds) for rate in reversed(rates)]
    while True:
        runs: Runs = {}
        before = experiments.left
        _train(experiments, settings, chars, wanted, runs, f"rates of {listed([f'{rate:g}' for rate in rates])}")
        place = chosen([group(experiments.lab, AS_IS, rate, runs) for rate in rates])
        took = before - experiments.left
        if place is not None or LONGER * took > experiments.left or LONGER * chars > experiments.most_chars:
            break
        chars *= LONGER
    if place is not None:
        rate, seeds = rates[place], min(SEEDS, experiments.scale.most_seeds)
        wanted = [(what, rate, seed) for seed in range(seeds) for what in (AS_IS, *CHANGED)]
        if place:
            wanted = [
                (AS_IS, rates[place - 1], seed) if what == SLOWER else (what, rate, seed) for what, rate, seed in wanted
            ]
        wanted = [each for each in wanted if each[2] not in runs.get(each[:2], {})]
        _train(experiments, settings, chars, wanted, runs, f"the climb at a rate of {rate:g} with one thing changed")
    return answer(evidence(experiments.lab, settings, chars, rates, runs, place))


def _train(
    experiments: Experiments,
    settings: Settings,
    chars: int,
    wanted: Sequence[tuple[str, float, int]],
    runs: Runs,
    say: str,
) -> None:
    piece = max(1, min(PIECE, len(experiments.corpus.training) // PIECES))
    trials = [_trial(seeded(settings, seed), what, rate, chars, piece) for what, rate, seed in wanted]
    done: list[Recorded | None] = experiments.trials(
        "ask-climb", f"{say}, {chars:,} characters each", trials, experiments.left
    )
    for (what, rate, seed), recorded in zip(wanted, done, strict=True):
        if recorded is not None:
            runs.setdefault((what, rate), {})[seed] = recorded.run


def _trial(settings: Settings, what: str, rate: float, chars: int, piece: int) -> Trial:
    used = rate / 3 if what == SLOWER else rate
    settings = replace(settings, lr=used, clip=CLIP if what == CLIPPED else None)
    ends = [Budget(chars=-(-chars * stage // STAGES)) for stage in range(1, STAGES + 1)]
    looks = (Look("control"), Look(AROUND))
    last = (*looks, Look("sharpness"), Look("agreement"))
    return Trial(
        settings,
        tuple(Stage((end,), validated=False, looks=last if end is ends[-1] else looks) for end in ends),
        begin=0.5 if what == ELSEWHERE else 0.0,
        pieces=piece if what == SHUFFLED else 0,
    )
