"""Is the seq_len dimension of nn.LSTM backpropagation through time? Shown by comparing gradients."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Tensor
from torch.nn import functional

from engine.budget import Budget
from engine.events import Probe
from engine.lab import Lab
from engine.network.model import CELLS, CarriedState, CharRNN, network_name
from engine.questions.experiment import found
from engine.questions.experiment.experiments import Experiments
from engine.questions.experiment.trial import Stage, Trial, tried
from engine.questions.question import TOO_LATE, Answer, Row
from engine.race.plan import seeded
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.training.state import parameters

INSTRUMENT = "seq_len"
SEEDS, LANES = 3, 4
LENGTH = 40
TRAINED = 50_000
"""The characters that each network is trained on before it is measured: a fresh one hardly uses its hidden state."""

EQUAL = 1e-9
"""The relative difference below which two gradients in float64 differ only by the order of their sums."""

APART = 1e-3
"""The relative difference from which on two gradients count as different."""


@dataclass(frozen=True, slots=True)
class Gradients:
    """The comparison of one network's gradients, all in float64. Differences are ‖a − b‖ / ‖a‖ over all parameters.

    Attributes:
        run: the name of the run in the lab.
        kept: one call over the window against one call per character with the graph kept.
        detached: one call over the window against one call per character with the state detached.
        loss: the largest relative difference between the three losses.
        head: `detached`, for the layer after the recurrent ones alone.
        recurrent: `detached`, for the recurrent weights alone.
        first: the norm of the last loss' gradient with respect to the window's first input, in one call.
        first_kept: the same norm with the graph kept.
        first_detached: the same norm with the state detached.
    """

    run: str
    kept: float
    detached: float
    loss: float
    head: float
    recurrent: float
    first: float
    first_kept: float
    first_detached: float


NUMBERS = ("kept", "detached", "loss", "head", "recurrent", "first", "first_kept", "first_detached")


def investigate(experiments: Experiments) -> Answer:
    """Train some networks a little, and compute each one's gradient in three ways."""
    experiments.need(8)
    settings = experiments.settings("standard", targets="all")
    settings = replace(settings, dtype="float32")
    length = min(LENGTH, len(experiments.corpus.training) - 1)
    chars = min(TRAINED, experiments.scale.most_chars)
    networks = [seeded(settings, seed) for seed in range(min(SEEDS, experiments.scale.most_seeds))]
    probes = experiments.computed(
        "gradients of the same window in three ways", compare, *((each, chars, length) for each in networks)
    )
    names = [
        experiments.note("ask-seq-len", each, [probe])
        for each, probe in zip(networks, probes, strict=True)
        if probe is not None
    ]
    lab = experiments.lab
    return answer([evidence(lab, name) for name in names], settings, length, chars)


def compare(corpus: Corpus, settings: Settings, chars: int, length: int) -> Probe:
    """Train a network on `chars` characters, and compare its gradients over windows of `length`; runs in a worker."""
    begun = time.monotonic()
    trained = tried(corpus, Trial(settings, (Stage((Budget(chars=chars),), validated=False),)))
    network = CharRNN(settings, corpus.vocabulary.size)
    network.load_state_dict(parameters(trained.state))
    network = network.double()
    lanes = min(LANES, max(1, (len(corpus.training) - 1) // length))
    ids = torch.stack(
        [
            torch.from_numpy(corpus.training[lane * length : (lane + 1) * length + 1].astype("int64"))
            for lane in range(lanes)
        ],
        dim=1,
    )
    (whole, loss, first), (kept, kept_loss, first_kept), (cut, cut_loss, first_cut) = (
        _gradients(network, ids, way) for way in (_one_call, _kept, _detached)
    )
    names = [name for name, _ in network.named_parameters()]
    values: dict[str, float] = {
        "kept": _apart(whole, kept),
        "detached": _apart(whole, cut),
        "loss": max(abs(loss - kept_loss), abs(loss - cut_loss)) / loss,
        "head": _apart(*(_those(gradient, names, "head") for gradient in (whole, cut))),
        "recurrent": _apart(*(_those(gradient, names, "weight_hh") for gradient in (whole, cut))),
        "first": first,
        "first_kept": first_kept,
        "first_detached": first_cut,
    }
    at = trained.position
    return Probe(at.updates, at.chars, INSTRUMENT, time.monotonic() - begun, values)


def evidence(lab: Lab, name: str) -> Gradients:
    """The comparison that a run holds, from the lab."""
    (reading,) = found.run(lab, name).readings(INSTRUMENT)
    return Gradients(name, **{each: float(reading[each]) for each in NUMBERS})  # type: ignore[arg-type]


def answer(networks: list[Gradients], settings: Settings, length: int, chars: int) -> Answer:
    """The answer that follows from the evidence."""
    layer = f"nn.{CELLS[settings.cell].__name__}"
    source = ", ".join(each.run for each in networks)

    def line(what: str, name: str) -> Row:
        values = [getattr(each, name) for each in networks]
        return Row(f"{what}, the mean", fmean(values) if values else None, seeds=len(values), source=source)

    def worst(what: str, name: str) -> Row:
        values = [getattr(each, name) for each in networks]
        return Row(f"{what}, the largest", max(values, default=None), seeds=len(values), source=source)

    def least(what: str, name: str) -> Row:
        values = [getattr(each, name) for each in networks]
        return Row(f"{what}, the least", min(values, default=None), seeds=len(values), source=source)

    return Answer(
        answer=_verdict(networks, layer, length),
        reason=_reason(networks),
        rows=(
            worst("once against kept: ‖a−b‖/‖a‖", "kept"),
            least("once against detached: ‖a−b‖/‖a‖", "detached"),
            least("the same, recurrent weights alone", "recurrent"),
            line("the same, head alone", "head"),
            worst("relative difference of the three losses", "loss"),
            line(f"‖∂loss({length})/∂input(1)‖, once", "first"),
            line("the same, graph kept", "first_kept"),
            line("the same, detached", "first_detached"),
        ),
        limits=(
            "The gradients are equal up to float64's rounding, and only without dropout, which draws random numbers.",
            "The equality holds on any text; the size of the difference depends on the text.",
        ),
        did=(
            f"The gradient of a window of {length} characters was computed in three ways, in float64: one call, a call "
            "per character with the graph kept, and a call per character with the state detached."
        ),
        conditions=(
            ("networks", f"{len(networks)} × {network_name(settings)}, trained on {chars:,} characters"),
            ("layer", layer),
        ),
        runs=tuple(each.run for each in networks),
    )


def _verdict(networks: list[Gradients], layer: str, length: int) -> str:
    if not networks:
        return TOO_LATE
    if max(each.kept for each in networks) >= EQUAL:
        return "Undecided: one call and a call per character give gradients that differ by more than rounding explains."
    return f"Yes: one call of {layer} with seq_len {length} has the gradient of {length} calls whose graph is kept."


def _reason(networks: list[Gradients]) -> str:
    """The effect of detaching between the calls."""
    if not networks or max(each.kept for each in networks) >= EQUAL:
        return ""
    if min(each.detached for each in networks) < APART:
        return "Detaching between the calls hardly changes the gradient here."
    said = "With the state detached between the calls the gradient is different, although the losses are the same."
    if all(each.first_detached == 0 and each.first > 0 for each in networks):
        said += " A detached state hands on memory, but no gradient: nothing further back than the window is learned."
    return said


Way = Callable[[CharRNN, Tensor], tuple[Tensor, Tensor]]
"""A way to run the network over ids (time, lanes): returns the embedded inputs, (time, lanes, embedding), which a
gradient may be taken with respect to, and the outputs, (time, lanes, hidden)."""


def _gradients(network: CharRNN, ids: Tensor, way: Way) -> tuple[list[Tensor], float, float]:
    """The gradient of the mean loss, that loss, and ‖∂(last loss)/∂(first input)‖."""
    inputs, outputs = way(network, ids[:-1])
    losses = functional.cross_entropy(network.head(outputs).flatten(0, 1), ids[1:].flatten(), reduction="none")
    loss = losses.mean()
    gradient = torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)
    last = losses.view(ids.shape[0] - 1, -1)[-1].sum()
    (by_input,) = torch.autograd.grad(last, [inputs])
    return list(gradient), float(loss.detach()), float(by_input[0].norm())


def _one_call(network: CharRNN, ids: Tensor) -> tuple[Tensor, Tensor]:
    inputs = network.embedding(ids)
    outputs = inputs
    for index, layer in enumerate(network.rnn):
        outputs, _ = layer(outputs, _before(network, ids.shape[1], index))
    return inputs, outputs


def _kept(network: CharRNN, ids: Tensor) -> tuple[Tensor, Tensor]:
    return _step_by_step(network, ids, detach=False)


def _detached(network: CharRNN, ids: Tensor) -> tuple[Tensor, Tensor]:
    return _step_by_step(network, ids, detach=True)


def _step_by_step(network: CharRNN, ids: Tensor, *, detach: bool) -> tuple[Tensor, Tensor]:
    inputs = network.embedding(ids)
    states = [_before(network, ids.shape[1], index) for index in range(len(network.rnn))]
    outputs = []
    for at in range(len(ids)):
        output = inputs[at : at + 1]
        for index, layer in enumerate(network.rnn):
            before = states[index]
            if detach:
                before = tuple(each.detach() for each in before) if isinstance(before, tuple) else before.detach()
            output, states[index] = layer(output, before)
        outputs.append(output)
    return inputs, torch.cat(outputs)


def _before(network: CharRNN, lanes: int, index: int) -> Tensor | CarriedState:
    """The state of one layer before the first character."""
    per_layer = network.states_per_layer
    states = network.zero_state(lanes)[index * per_layer : (index + 1) * per_layer]
    return states if per_layer > 1 else states[0]


def _those(gradient: list[Tensor], names: list[str], part: str) -> list[Tensor]:
    return [values for name, values in zip(names, gradient, strict=True) if part in name]


def _apart(gradient: Sequence[Tensor], other: Sequence[Tensor]) -> float:
    """‖a − b‖ / ‖a‖ over all parameters together; where a is zero, 0 if b is zero too and 1 otherwise."""
    one, two = (torch.cat([values.flatten() for values in each]) for each in (gradient, other))
    size = float(one.norm())
    return float((one - two).norm()) / size if size else float(bool(two.any()))
