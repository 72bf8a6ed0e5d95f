"""What a gradient norm says: norms of trainings that learn, beside how far their gradient reaches and what they learn.

Shared by the two questions about a norm. Whether a gradient explodes or vanishes through time is a matter of its decay
by lag (Pascanu et al. 2013), which is measured; the overall norm is placed among the norms of trainings that learn, and
moved to the asked value by multiplying the loss, which changes no direction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
import torch
from torch.nn import functional

from engine.budget import Budget
from engine.events import Probe
from engine.lab import Lab
from engine.mean import mean
from engine.network.model import CharRNN, network_name
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments, Recorded
from engine.questions.experiment.trial import Look, Stage, Trial
from engine.questions.phrases import between, count, listed, nats, number, percent, row, rule
from engine.questions.question import NATS, SHARE, TIMES, Answer, Row
from engine.race.plan import seeded
from engine.race.statistics.interval import Interval, interval
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.training.optimisers import Optimiser
from engine.training.state import State, parameters
from engine.windows import ALL

RULES = ("standard", "random-step")
SEEDS = 4
ONE_BY_ONE = 400
"""Updates at the end of each training whose norms are kept one by one."""

PLANTED = {"times 6": 6.0, "times 0.1": 0.1}
"""What the recurrent weights of the trained network are multiplied with, to see what the instruments say then."""

SCALED_UPDATES = 40
SCALED = "scaled_loss"
BACK = 10


@dataclass(frozen=True, slots=True)
class Healthy:
    """Trainings by one rule, over the seeds.

    Attributes:
        runs: their names in the lab.
        settings: of the first one.
        norms: of the last updates of each, pooled.
        before: the mean norm at the beginning, in the first eighth of the training.
        learnt: the validation loss at the end less that half-way, over the seeds.
        loss: the mean validation loss at the end; nan where none is known.
        decay: the largest factor per character by which the gradient goes back, over the seeds.
        back: what is left of it 10 characters back, the mean.
    """

    runs: tuple[str, ...]
    settings: Settings
    norms: tuple[float, ...]
    before: float
    learnt: Interval
    loss: float
    decay: float
    back: float

    def share_from(self, norm: float) -> float:
        """The share of the updates whose norm is that or more."""
        return float(np.mean(np.array(self.norms) >= norm)) if self.norms else math.nan

    def quantile(self, share: float) -> float:
        """The norm below which such a share of the updates lies."""
        return float(np.quantile(self.norms, share)) if self.norms else math.nan


@dataclass(frozen=True, slots=True)
class Planted:
    """The same network with its recurrent weights made larger or smaller: the factor, and what is measured then."""

    factor: float
    decay: float | None
    norm: float | None


@dataclass(frozen=True, slots=True)
class Scaled:
    """The same training with its loss multiplied.

    Attributes:
        run: where it is in the lab.
        factor: what the loss was multiplied with.
        norm: the median norm with the loss as it is.
        moved: the median norm with the loss multiplied.
        apart: the largest difference of the losses of both trainings, in nats, of any update.
        fell: by how much the loss fell over these updates, as it is.
    """

    run: str
    factor: float
    norm: float
    moved: float
    apart: float
    fell: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was measured for a norm."""

    norm: float
    healthy: tuple[Healthy, ...]
    planted: tuple[Planted, ...]
    scaled: Scaled | None


def investigate(experiments: Experiments, norm: float, name: str) -> Answer:
    """Train healthy networks by two rules, and place a norm among theirs."""
    experiments.need(42)
    rules = [experiments.settings("standard"), experiments.settings("random-step", clip="off")]
    paces = experiments.paces(*rules)
    seconds = 0.75 * experiments.left / len(rules)
    seeds = min(SEEDS, experiments.scale.most_seeds)
    recorded: list[list[Recorded]] = []
    for settings, pace, what in zip(rules, paces, RULES, strict=True):
        chars = experiments.chars(pace, seconds, seeds, validations=4)
        trials = [_trial(seeded(settings, seed), chars, planted=seed == 0) for seed in range(seeds)]
        done = experiments.trials(name, f"trainings of {chars:,} characters, {what}", trials, seconds)
        recorded.append([each for each in done if each is not None])
    scaled = _scale(experiments, norm, name, recorded[0][:1])
    runs = [[each.run for each in group] for group in recorded]
    return answer(evidence(experiments.lab, norm, runs, scaled))


def _trial(settings: Settings, chars: int, *, planted: bool) -> Trial:
    updates = max(16, round(chars / (settings.streams * settings.bptt.mean)))
    last = min(ONE_BY_ONE, updates // 4)
    half, until = updates // 2, updates - last
    eighths = sorted({max(1, updates * part // 8) for part in range(1, 5)} | {half})
    looks = [Look("gradient_by_lag")]
    if planted:
        looks += [
            Look(instrument, f"{instrument}, recurrent weights {what}", times={"weight_hh": factor})
            for what, factor in PLANTED.items()
            for instrument in ("gradient_by_lag", "agreement")
        ]
    return Trial(
        settings,
        (
            Stage(tuple(Budget(updates=each) for each in eighths)),
            Stage((Budget(updates=until),), validated=False),
            Stage(tuple(Budget(updates=each) for each in range(until + 1, updates + 1)), looks=tuple(looks)),
        ),
    )


def _scale(experiments: Experiments, norm: float, name: str, recorded: Sequence[Recorded]) -> str | None:
    """Train on with the loss as it is, and multiplied so that its norm is the asked one; the run that says so."""
    if not recorded or recorded[0].tried.broken:
        return None
    state = recorded[0].tried.state
    what = f"the same training with a norm of {norm:g}"
    (probe,) = experiments.computed(what, scaled_training, (state, norm))
    return None if probe is None else experiments.note(name, state.settings, [probe])


def scaled_training(corpus: Corpus, state: State, norm: float) -> Probe:
    """In a worker: go on from a state twice, with the loss as it is and multiplied so that its median norm is `norm`.

    In float64 and without clipping, which would have to be multiplied too.
    """
    losses, norms = _train_on(corpus, state, 1.0)
    usual = median(norms)
    factor = norm / usual if usual else math.nan
    scaled_losses, scaled_norms = _train_on(corpus, state, factor)
    apart = [abs(one - other) for one, other in zip(losses, scaled_losses, strict=True)]
    values = {
        "factor": factor,
        "norm": usual,
        "moved": median(scaled_norms),
        "apart": max(apart),
        "fell": fmean(losses[:5]) - fmean(losses[-5:]),
    }
    return Probe(state.counters.updates, 0, SCALED, 0.0, values)


def _train_on(corpus: Corpus, state: State, factor: float) -> tuple[list[float], list[float]]:
    """The losses of some updates, as they are, and the norms of the gradient of so many times the loss."""
    settings = state.settings
    network = CharRNN(settings, corpus.vocabulary.size)
    network.load_state_dict(parameters(state))
    network = network.double()
    optimiser = Optimiser(network, settings)
    streams, length = min(4, settings.streams), max(1, round(settings.bptt.mean))
    begins = torch.arange(streams) * (len(corpus.training) // streams)
    carried = network.zero_state(streams)
    losses, norms = [], []
    for update in range(SCALED_UPDATES):
        places = (begins + update * length + torch.arange(length + 1)[:, None]) % len(corpus.training)
        read = torch.from_numpy(np.array(corpus.training[places.numpy()], np.int64))
        outputs, after = network(read[:-1], carried)
        taken = slice(None) if settings.targets == ALL else slice(-1, None)
        loss = functional.cross_entropy(network.head(outputs[taken]).flatten(0, 1), read[1:][taken].flatten())
        optimiser.forget_gradients()
        (factor * loss).backward()  # type: ignore[no-untyped-call]
        gradients = [each.grad for each in network.parameters() if each.grad is not None]
        norms.append(math.hypot(*(float(each.norm()) for each in gradients)))
        losses.append(float(loss.detach()))
        optimiser.step(settings.lr, settings.weight_decay)
        carried = tuple(each.detach() for each in after)
    return losses, norms


def evidence(lab: Lab, norm: float, runs: Sequence[Sequence[str]], scaled: str | None) -> Evidence:
    """What was measured, from the lab."""
    healthy = [_healthy(lab, names) for names in runs if names]
    planted: list[Planted] = []
    if runs and runs[0]:
        first = found.run(lab, runs[0][0])
        planted = [_planted(first, what, factor) for what, factor in PLANTED.items()]
    return Evidence(norm, tuple(healthy), tuple(planted), _scaled(lab, scaled) if scaled else None)


def _healthy(lab: Lab, names: Sequence[str]) -> Healthy:
    measured = [found.run(lab, name) for name in names]
    settings = Settings.from_plain(lab.run(names[0]).settings)
    norms = [point.grad_norm for each in measured for point in each.points if point.updates == 1]
    first = [each.points[0].grad_norm for each in measured if each.points]
    losses = [each.validations for each in measured if len(each.validations) == 2]
    decays = [each.number("gradient_by_lag", "decay") for each in measured]
    backs = []
    for each in measured:
        for reading in each.readings("gradient_by_lag")[-1:]:
            relative = reading["relative"]
            share = relative[BACK] if isinstance(relative, tuple | list) and len(relative) > BACK else None
            if isinstance(share, int | float):
                backs.append(float(share))
    return Healthy(
        runs=tuple(names),
        settings=settings,
        norms=tuple(norms),
        before=mean(first),
        learnt=interval([end - half for half, end in losses]),
        loss=mean([end for _, end in losses]),
        decay=max((each for each in decays if each is not None), default=math.nan),
        back=mean(backs),
    )


def _planted(measured: found.Measured, what: str, factor: float) -> Planted:
    agreement = measured.readings(f"agreement, recurrent weights {what}")
    square = None
    if agreement:
        signal, noise = agreement[-1].get("signal"), agreement[-1].get("noise")
        square = signal + noise if isinstance(signal, float) and isinstance(noise, float) else None
    decay = measured.number(f"gradient_by_lag, recurrent weights {what}", "decay")
    if decay is not None and not math.isfinite(decay):
        decay = None
    return Planted(factor, decay, math.sqrt(square) if square is not None and square >= 0 else None)


def _scaled(lab: Lab, name: str) -> Scaled | None:
    measured = found.run(lab, name)
    values = [measured.number(SCALED, each) for each in ("factor", "norm", "moved", "apart", "fell")]
    known = [value for value in values if value is not None]
    return Scaled(name, *known) if len(known) == len(values) else None


# --- words -----------------------------------------------------------------------------------------------------------


def answer(what: Evidence) -> Answer:
    """From the evidence to words."""
    if not what.healthy:
        return Answer("Trainings were begun", (), "Nothing was measured in time.", ())
    first = what.healthy[0].settings
    runs = tuple(run for each in what.healthy for run in each.runs)
    return Answer(
        did=f"{network_name(first)} trained on this text: "
        + "; ".join(f"{count(len(each.runs), 'network')}, {rule(each.settings)}" for each in what.healthy)
        + (
            "; their norms placed beside how the gradient goes back through time and whether they still learn; "
            f"then the same training with its loss multiplied so that its norm is {what.norm:g}"
        ),
        rows=tuple(_rows(what)),
        says=" ".join(_says(what)),
        limits=(
            (
                "Norms depend on the size of the network, on how losses are averaged and on the text: these are for "
                f"{network_name(first)} and this text."
            ),
            "The gradient by lag is that by the hidden state; an LSTM's cell state may hold on to more.",
            "A norm that leaps from its usual size is a sign of something, whatever the size is.",
        ),
        runs=runs + ((what.scaled.run,) if what.scaled else ()),
    )


def _rows(what: Evidence) -> list[Row]:
    rows = []
    for each in what.healthy:
        name, seeds, source = _name(each), len(each.runs), ", ".join(each.runs)
        rows += [
            Row(
                f"{name}: updates with a norm of {what.norm:g} or more",
                each.share_from(what.norm),
                SHARE,
                source=source,
            ),
            Row(f"{name}: smallest norm", min(each.norms, default=None), seeds=seeds, source=source),
            Row(f"{name}: median norm", each.quantile(0.5), seeds=seeds, source=source),
            Row(f"{name}: largest norm", max(each.norms, default=None), seeds=seeds, source=source),
            Row(f"{name}: mean norm at the beginning", each.before, seeds=seeds, source=source),
            Row(f"{name}: validation loss at the end", each.loss, NATS, seeds=seeds, source=source),
            row(f"{name}: its change over the second half", each.learnt, source),
            Row(
                f"{name}: gradient's factor per character back, largest", each.decay, TIMES, seeds=seeds, source=source
            ),
            Row(f"{name}: left of it {BACK} characters back", each.back, SHARE, seeds=seeds, source=source),
        ]
    source = what.healthy[0].runs[0]
    for planted in what.planted:
        weights = f"recurrent weights × {planted.factor:g}"
        rows.append(Row(f"{weights}: factor per character back", planted.decay, TIMES, source=source))
        rows.append(Row(f"{weights}: norm", planted.norm, source=source))
    if (scaled := what.scaled) is not None:
        rows += [
            Row("median norm, loss as it is", scaled.norm, source=scaled.run),
            Row(f"median norm, loss × {number(scaled.factor)}", scaled.moved, source=scaled.run),
            Row("largest difference of the losses of both", scaled.apart, NATS, source=scaled.run),
            Row("fall of the loss meanwhile", scaled.fell, NATS, source=scaled.run),
        ]
    return rows


def _name(each: Healthy) -> str:
    return f"{each.settings.streams} × {each.settings.bptt} {each.settings.targets}"


def _says(what: Evidence) -> list[str]:
    said = [_head(what)]
    said += [_place(what.norm, each) for each in what.healthy]
    if (scaled := what.scaled) is not None:
        said.append(_moved(what.norm, scaled, what.healthy[0].settings))
    said += _controls(what)
    return said


def _head(what: Evidence) -> str:
    """Whether the asked thing is there in these networks: by lag, and not by the norm."""
    exploding = what.norm > 1
    decays = [each.decay for each in what.healthy if not math.isnan(each.decay)]
    if not decays:
        return f"A norm of {what.norm:g} alone does not tell, and how the gradient goes back was not measured."
    grows = [each for each in what.healthy if each.decay >= 1]
    backs = listed([f"{percent(each.back)} ({_name(each)})" for each in what.healthy if not math.isnan(each.back)])
    left = f"{BACK} characters back {backs} of it is left" if backs else "what is left further back is not known"
    if exploding:
        if grows:
            return (
                f"A norm of {what.norm:g} alone does not tell, but here the gradient does explode through "
                f"time: it grows by a factor of up to {number(max(decays))} per character on the way back ({left})."
            )
        return (
            "Not by itself. An exploding gradient grows on its way back through time; here it shrinks: each "
            f"character back leaves at most {number(max(decays))} of it, and {left}."
        )
    if max(decays) < 1:
        return (
            "Not by itself: a norm says nothing about time. How fast the gradient vanishes on its way back "
            f"is another number: here each character back leaves at most {number(max(decays))} of it, and {left}."
        )
    return (
        "Not by itself, and here the gradient does not vanish on its way back: it grows by a factor of up to "
        f"{number(max(decays))} per character ({left})."
    )


def _place(norm: float, each: Healthy) -> str:
    """Where the norm lies among those of trainings that learn, or do not."""
    name = _name(each)
    if not each.norms:
        return f"With {name} no norms were measured in time."
    above = each.share_from(norm)
    lies = (
        f"norms lie between {number(min(each.norms))} and {number(max(each.norms))}, the median at "
        f"{number(each.quantile(0.5))}"
    )
    if above == 0:
        where = f"{norm:g} is {number(norm / max(each.norms))} times the largest"
    elif above == 1:
        where = f"{norm:g} is {number(norm / min(each.norms))} times the smallest"
    else:
        where = f"{percent(above)} of the updates have {norm:g} or more and {percent(1 - above)} less"
    return f"With {name} {lies}: {where}; {_learning(each.learnt)}."


def _learning(learnt: Interval) -> str:
    if not learnt.pairs:
        return "whether it still learns is not known"
    if learnt.high < 0:
        return (
            f"and it still learns, the validation loss fell by {nats(learnt.estimate)} over the second half "
            f"({between(learnt)})"
        )
    if learnt.low > 0:
        return f"and its validation loss rose by {nats(learnt.estimate)} over the second half ({between(learnt)})"
    moved = "fell" if learnt.estimate < 0 else "rose"
    return (
        f"its validation loss {moved} by {nats(learnt.estimate)} over the second half, which is undecided "
        f"({between(learnt)})"
    )


def _moved(norm: float, scaled: Scaled, settings: Settings) -> str:
    """What multiplying the loss shows."""
    head = (
        f"Multiplied by {number(scaled.factor)}, as another way of averaging the loss does, the training has "
        f"a median norm of {number(scaled.moved)} instead of {number(scaled.norm)}"
    )
    apart = f"over {SCALED_UPDATES} updates the two losses are never further apart than {scaled.apart:.2g} nats"
    if scaled.apart < max(1e-3, 0.01 * abs(scaled.fell)):
        return f"{head}, and {apart}: under {settings.optimizer} a norm of {norm:g} is a matter of units."
    return (
        f"{head}, and the two losses come {number(scaled.apart)} nats apart over {SCALED_UPDATES} updates: "
        f"under {settings.optimizer} the size of the gradient does matter, as that of the rate does."
    )


def _controls(what: Evidence) -> list[str]:
    """What the instruments say where it is known that the gradient explodes, or vanishes."""
    large, small = ([each for each in what.planted if (each.factor > 1) == above] for above in (True, False))
    usual = what.healthy[0].quantile(0.5)
    said = []
    for each in large if what.norm > 1 else small:
        changed = f"With the recurrent weights × {each.factor:g}"
        if each.decay is None:
            size = "its norm cannot be computed any more" if each.norm is None else f"its norm is {number(each.norm)}"
            said.append(f"{changed} the gradient by lag leaves the range of numbers, and {size}.")
            continue
        size = "" if each.norm is None else f", and the norm is {number(each.norm)} (usually {number(usual)})"
        said.append(
            f"{changed}, for comparison, each character back makes it {number(each.decay)} times its size{size}."
        )
    return said
