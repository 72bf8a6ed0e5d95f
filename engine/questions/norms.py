"""The meaning of a gradient norm: norms of trainings that learn, beside how far back their gradient reaches.

The two questions about a norm share this module. Whether a gradient explodes or vanishes through time depends on its
decay by lag (Pascanu et al. 2013), which is measured. The overall norm is compared with the norms of trainings that
learn, and moved to the value in question by multiplying the loss, which changes no direction.
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
from engine.network.model import CharRNN, network_name
from engine.numbers import counted, mean
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments, Recorded
from engine.questions.experiment.trial import Look, Stage, Trial
from engine.questions.phrases import number, row, rule
from engine.questions.question import NATS, SHARE, TIMES, TOO_LATE, Answer, Row
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
"""The number of updates at the end of each training whose norms are stored one by one."""

PLANTED = {"times 6": 6.0, "times 0.1": 0.1}
"""Factors on the recurrent weights of a trained network, by name: planted faults, to check the instruments."""

SCALED_UPDATES = 40
SCALED = "scaled_loss"
BACK = 10


@dataclass(frozen=True, slots=True)
class Healthy:
    """The evidence of trainings by one rule, over several seeds.

    Attributes:
        runs: the runs' names in the lab.
        settings: the settings of the first one.
        norms: the gradient norms of the last updates of all trainings.
        before: the mean gradient norm in the first eighth of the training.
        learnt: the validation loss at the end minus that half-way, over the seeds.
        loss: the mean validation loss at the end; nan where none is known.
        decay: the factor of the gradient per character back, the largest over the seeds.
        back: the share of the gradient that is left 10 characters back, the mean over the seeds.
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
        """The share of the updates whose norm is `norm` or more."""
        return float(np.mean(np.array(self.norms) >= norm)) if self.norms else math.nan

    def quantile(self, share: float) -> float:
        """The norm below which the given share of the updates lies."""
        return float(np.quantile(self.norms, share)) if self.norms else math.nan


@dataclass(frozen=True, slots=True)
class Planted:
    """A planted fault: a trained network with its recurrent weights multiplied.

    Attributes:
        factor: the factor on the recurrent weights.
        decay: the factor of the gradient per character back; None where it is not finite or not known.
        norm: the gradient norm; None where it is not known.
    """

    factor: float
    decay: float | None
    norm: float | None


@dataclass(frozen=True, slots=True)
class Scaled:
    """The comparison of a training with the same one whose loss is multiplied.

    Attributes:
        run: the name in the lab of the run with the readings.
        factor: the factor on the loss.
        norm: the median gradient norm with the loss as it is.
        moved: the median gradient norm with the loss multiplied.
        apart: the largest difference between the losses of both trainings at any update, in nats per character.
        fell: the fall of the loss over these updates, with the loss as it is.
    """

    run: str
    factor: float
    norm: float
    moved: float
    apart: float
    fell: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence on a norm.

    Attributes:
        norm: the norm in question.
        healthy: the trainings by each rule.
        planted: the planted faults, in the first of these trainings.
        scaled: the comparison with a multiplied loss; None where it was not made in time.
    """

    norm: float
    healthy: tuple[Healthy, ...]
    planted: tuple[Planted, ...]
    scaled: Scaled | None


def investigate(experiments: Experiments, norm: float, name: str) -> Answer:
    """Train healthy networks by two rules, and compare `norm` with theirs; the runs' names begin with `name`."""
    experiments.need(42)
    rules = [experiments.settings("standard"), experiments.settings("random-step", clip=None)]
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
    """Continue a training with the loss as it is, and multiplied so that its norm is `norm`.

    Returns the name of the run that holds the reading; None where there is none.
    """
    if not recorded or recorded[0].tried.broken:
        return None
    state = recorded[0].tried.state
    what = f"the same training with a norm of {norm:g}"
    (probe,) = experiments.computed(what, scaled_training, (state, norm))
    return None if probe is None else experiments.note(name, state.settings, [probe])


def scaled_training(corpus: Corpus, state: State, norm: float) -> Probe:
    """Continue from a state twice: with the loss as it is, and multiplied so that its median norm is `norm`.

    Runs in a worker. Computes in float64 and without clipping, whose bound would have to be multiplied too.
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
    """Train some updates on `factor` times the loss; return the losses without the factor, and the gradient norms."""
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
    """The evidence on a norm, from the lab."""
    healthy = [_healthy(lab, names) for names in runs if names]
    planted: list[Planted] = []
    if runs and runs[0]:
        first = found.run(lab, runs[0][0])
        planted = [_planted(first, what, factor) for what, factor in PLANTED.items()]
    return Evidence(norm, tuple(healthy), tuple(planted), _scaled(lab, scaled) if scaled else None)


def _healthy(lab: Lab, names: Sequence[str]) -> Healthy:
    measured = [found.run(lab, name) for name in names]
    settings = Settings.from_plain(lab.runs.get(names[0]).settings)
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
    """The answer that follows from the evidence."""
    did = (
        "Norms of trainings on this text stand beside how their gradient goes back through time; then the loss of one "
        f"was multiplied so that its norm is {what.norm:g}."
    )
    if not what.healthy:
        return Answer(TOO_LATE, "", (), (), did)
    first = what.healthy[0].settings
    runs = tuple(run for each in what.healthy for run in each.runs)
    return Answer(
        answer=_verdict(what),
        reason=" ".join([*_place(what.healthy[0]), *_moved(what)]),
        rows=tuple(_rows(what)),
        limits=(
            "Norms depend on the size of the network, on how losses are averaged, and on the text.",
            "The gradient by lag is that by the hidden state; an LSTM's cell state may hold on to more.",
            "A norm that leaps from its usual size is a sign of something, whatever the size is.",
        ),
        did=did,
        conditions=(
            ("network", network_name(first)),
            *((_name(each), f"{counted(len(each.runs), 'network')}, {rule(each.settings)}") for each in what.healthy),
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


def _verdict(what: Evidence) -> str:
    """Whether the gradient explodes or vanishes in these networks, judged by lag and not by the norm."""
    decays = [each.decay for each in what.healthy if not math.isnan(each.decay)]
    if not decays:
        return "Undecided: a norm alone does not tell, and how the gradient goes back was not measured."
    largest, grows = number(max(decays)), max(decays) >= 1
    if what.norm > 1:
        if grows:
            return f"Yes, here: the gradient grows by up to {largest} times per character on its way back."
        return f"No: here the gradient shrinks on its way back, to at most {largest} of it per character."
    if grows:
        return f"No: here the gradient grows on its way back, by up to {largest} times per character."
    return f"No: a norm does not tell, and on its way back at most {largest} of the gradient is left per character."


def _place(each: Healthy) -> list[str]:
    """The range of the norms of trainings that learn."""
    if not each.norms:
        return []
    learns = each.learnt.pairs > 0 and each.learnt.high < 0
    lies = f"norms from {number(min(each.norms))} to {number(max(each.norms))}"
    return [f"Trainings that still learn have {lies} here." if learns else f"These trainings have {lies}."]


def _moved(what: Evidence) -> list[str]:
    """The effect of multiplying the loss."""
    scaled, optimizer = what.scaled, what.healthy[0].settings.optimizer
    if scaled is None:
        return []
    if scaled.apart < max(1e-3, 0.01 * abs(scaled.fell)):
        return [f"Multiplying the loss moves the norm to {what.norm:g} and changes nothing else under {optimizer}."]
    return [f"Under {optimizer} the size of the gradient does matter, as that of the learning rate does."]
