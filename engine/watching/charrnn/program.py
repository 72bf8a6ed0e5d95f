"""The updates of a watched program, added up into the records of its journal."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, WeakKeyDictionary, WeakSet, ref

from charrnn.control import Control
from charrnn.evaluations import Evaluations
from charrnn.journal import Writer
from charrnn.knobs import Knobs
from charrnn.loop import Loop
from charrnn.measures import INSIDE, SHARE, Allowance, copies, gradient_norms, lost, moved
from charrnn.models import described, form_of, grouped, models_of, names_of
from charrnn.states import GROUP
from charrnn.targets import Targets
from charrnn.training import Losses, Training, number
from charrnn.windows import Windows

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

POINT_SECONDS = 0.25
"""The least time from one point to the next."""

EARLY, GROWTH, EARLY_SECONDS = 1000, 1.08, 0.01
"""Before this update points come more often: whenever there were so many times as many, with so much time between."""

IDLE = 100
"""The updates of others after which a training that makes none is over."""

EXACT = 4
"""The windows that are measured inside a recurrent module for each one that is compared with float64."""

LOST = 0.5
"""The share of the numbers with a gradient that an update may leave as they were: they are too coarse for it."""

CLIPPED_A_LITTLE = 1e-6
"""The number that torch adds to a norm before it divides a bound by it."""


class Program:
    """Takes what the hooks see, in the order in which it happens, and writes it down.

    It changes nothing but what a console asks for.

    Args:
        journal: where it is written.
        checkpoints: the folder for checkpoints.
        loop: what is told of the loop's order, and where its lines are.

    Attributes:
        losses: those of the update that is being made.
        windows: what it learns from in each update.
        time: the time that measuring may take.
        measures: whether there is time left to measure this update.
        rests: whether nothing is looked at in this update but its loss, its clipping and its rate. Most are so; each
            call of ours finds the processor's caches full of the program's own, and takes ten times as long as alone.
    """

    def __init__(self, journal: Writer, checkpoints: Path, loop: Loop) -> None:
        self._journal, self._loop = journal, loop
        self.windows, self.time, self._time_inside = Windows(journal, loop), Allowance(SHARE), Allowance(INSIDE)
        self._chosen: WeakSet[Any] = WeakSet()
        # An optimiser lives no longer than the program lets it; what it has done is kept.
        self._of: WeakKeyDictionary[Optimizer, Training] = WeakKeyDictionary()
        self._trainings: list[Training] = []
        self.losses, self._evaluations = Losses(), Evaluations()
        self._clipping: tuple[float, Tensor] | None = None
        self._values_clipped = False
        self._updates = 0
        self._in_step = False
        self._of_others: tuple[float, int] | None = None
        self._shown: Training | None = None
        self._latest: tuple[ReferenceType[Any], Training] | None = None
        self.measures = True
        self.rests, self._passed, self._most, self._due = False, 0, 0, 0.0
        self._shown_parameters: frozenset[int] = frozenset()
        self._targets = Targets()
        self._control = Control(journal, checkpoints, self._go_back, self._wait, self._finish)

    @property
    def knobs(self) -> Knobs:
        """The values that consoles have set."""
        return self._control.knobs

    def loss_computed(self, loss: Tensor, targets: int, target: Tensor | None, *, learns: bool) -> None:
        """A loss function returned a mean over so many targets; it learns from them, or only evaluates."""
        if learns:
            self.losses.add(number(loss), targets)
            if target is not None and (self.measures or self.windows.looks):
                self._evaluations.trained(target)
            return
        self._wake()  # They are of the updates so far.
        self._evaluations.add(loss, targets, target)
        if self.windows.overlap.loss_computed():
            self._loop.validated_on_trained(self.windows.overlap.found, self.windows.overlap.checked)

    def targets_given(self, predictions: Tensor, target: Tensor, ignored: int) -> None:
        """A loss function was given predictions, (n, classes, …), and targets that are numbers of classes."""
        if self.windows.looks:
            self.windows.targets_given(predictions, target)
        if self.losses.is_weighed:
            return
        classes = int(predictions.shape[1])
        begun = time.monotonic()
        # In windows that are looked at it is a small part of the rest, and early it is what tells most.
        with nullcontext() if self.windows.looks else self.time.used():
            found = self._targets.count(classes, target, ignored)
        if found is not None:
            self._probe("targets", self._shown, begun, classes=classes, entropy=found[0], counted=found[1])

    def rests_at(self, optimizer: Any) -> bool:
        """Whether nothing needs to be told of an update of this optimiser before it has ended."""
        return self.rests and self._latest is not None and self._latest[0]() is optimizer

    def rested(self, optimizer: Any) -> bool:
        """An optimiser has made an update. Returns whether it was counted, and nothing else is due."""
        if not self.rests_at(optimizer):
            return False
        if self._passed + 1 >= self._most or time.monotonic() >= self._due:
            self._wake()
            return False
        self._passed += 1
        assert self._latest is not None
        self._count(self._latest[1], optimizer)
        return True

    def _rest(self, training: Training) -> None:
        """Whether nothing is looked at in the updates to come, and how long."""
        self._most = min(self._loop.rests, self.windows.rests) if training is self._shown else 0
        if training.update < EARLY:
            self._most = min(self._most, int(training.point_update * GROWTH) + 1 - training.update)
        self.rests = self._most > 0 and not self.measures and not self.knobs.are_set
        self._due = min(training.last_point + POINT_SECONDS, self._control.due, self.time.due)

    def _wake(self) -> None:
        """Tell of the updates since `_rest`."""
        passed, self._passed, self.rests = self._passed, 0, False
        if passed:
            self._loop.passed_by(passed)
            self.windows.passed_by(passed)

    def backward_begins(self, roots: list[Tensor]) -> None:
        """A backward pass begins at these tensors."""
        if self.windows.looks:
            begun = time.monotonic()
            with self._time_inside.used():
                saturated = self.windows.backward_begins(roots)
            if saturated is not None:
                self._probe("gates", self._shown, begun, **saturated)
        else:
            self.windows.recurrent.backward_begins()
        weighed = self.losses.is_weighed
        self.losses.backward_begins(roots)
        if self.losses.is_weighed and not weighed:
            self._probe("targets", self._shown, time.monotonic(), classes=0, entropy=None, counted=0)

    def backward_ended(self) -> None:
        """A backward pass has left its gradients: now and then they are measured, and recurrent modules with them."""
        if (shown := self._shown) is not None and shown.update and self.measures:
            # The optimiser may be gone, as where a cell has made another.
            for optimizer in [each for each, training in self._of.items() if training is shown]:
                with self.time.used():
                    shown.by_hand.arrived = math.hypot(*gradient_norms(optimizer).values())
        if not self.windows.inspects:
            return
        self.windows.inspects = False
        inside, begun = self.windows.inside, time.monotonic()
        first, before = not inside.measured, self._time_inside.spent
        with self._time_inside.used():
            readings = inside.measure(exact=inside.measured % EXACT == EXACT - 1)
        if first:  # The first time takes ten times as long as any other, and says nothing of those.
            self._time_inside.spent = before
        for instrument, values in readings.items():
            self._probe(instrument, self._shown, begun, **values)

    def values_clipped(self) -> None:
        """Gradients were clipped number by number."""
        self._values_clipped = True

    def is_shown(self, parameters: Iterable[Tensor]) -> bool:
        """Whether some of these parameters are of the training that is shown."""
        return any(id(each) in self._shown_parameters for each in parameters)

    def gradient_clipped(self, bound: float, norm: Tensor) -> None:
        """Gradients of this norm were clipped to a bound."""
        self._clipping = (bound, norm)

    def norms_of(self, optimizer: Any) -> dict[int, float]:
        """The gradient norms of an optimiser's parameters by their places, where there is time for that.

        An update by hand is seen when it was made: its length is measured from here.
        """
        if not self.time.is_left:
            return {}
        with self.time.used():
            if (training := self._known(optimizer)) is not None:
                training.before = copies(training.groups, optimizer)
            return gradient_norms(optimizer)

    def knows(self, optimizer: Any) -> bool:
        """Whether an optimiser has made an update."""
        return self._known(optimizer) is not None

    def _known(self, optimizer: Any) -> Training | None:
        """The training of an optimiser, which most often is the one that was asked for before."""
        if self._latest is None or self._latest[0]() is not optimizer:
            training = self._of.get(optimizer)
            self._latest = None if training is None else (ref(optimizer), training)
        return None if self._latest is None else self._latest[1]

    def update_begins(self, optimizer: Any, norms: Mapping[int, float] | None = None, *, closure: bool = False) -> None:
        """An optimiser is about to change its parameters.

        Args:
            optimizer: the optimiser, or what stands for one.
            norms: the gradient norms, where they were measured already; empty where there was no time for that.
            closure: whether the gradients are computed, and clipped, within the step.
        """
        self._wake()
        training = self._known(optimizer) or self._new(optimizer)
        self._in_step = closure
        if closure:
            self._clipping = None
            if self.measures and training.update:
                with self.time.used():
                    training.before = copies(training.groups, optimizer)
        else:
            self._measure(training, optimizer, norms)
        if training is not self._shown:
            self._show()
        if training is self._shown:
            self._clip(training, optimizer)
            self.knobs.begin(optimizer)
        self._clipping, self._values_clipped = None, False

    def update_ended(self, optimizer: Any) -> None:
        """An optimiser has changed its parameters. One with a closure has computed the loss meanwhile."""
        training = self._known(optimizer)
        assert training is not None
        if self._in_step:
            self._in_step = False
            self._measure_within(training, optimizer)
        if not self._evaluations.is_empty:
            self._write_evaluations()
        self._count(training, optimizer)
        if training.before:
            self._measure_length(training)
        now = time.monotonic()
        if now - training.last_point >= POINT_SECONDS or self._is_early(training, now):
            training.last_point, training.point_update = now, training.update
            self._tell_settings(training, optimizer)
            self._write_point(training, now)
        if training is self._shown:
            self.windows.update_ended(training.update)
            self.windows.inspects = self.windows.looks and self._time_inside.is_left
            self.knobs.end()
            self._control.update_ended(training.update, training.targets)
            self.windows.recurrent.window = self.knobs.window
        self.measures = self.time.is_left
        self._rest(training)

    def _count(self, training: Training, optimizer: Any) -> None:
        """Count an update, with its loss, its rate, and its clipping where nothing was told of that as it began."""
        training.update += 1
        training.updates += 1
        self._updates += 1
        training.latest = self._updates
        training.rate = optimizer.param_groups[0]["lr"]
        self._take_clipping(training)
        self._clipping, self._values_clipped = None, False
        self._take_losses(training)

    def _is_early(self, training: Training, now: float) -> bool:
        """Whether a point is due because a training has only begun: some trainings take a second in all."""
        if training.update >= EARLY:
            return False
        return training.update > training.point_update * GROWTH and now - training.last_point >= EARLY_SECONDS

    def end(self) -> None:
        """Write down what no point has told yet."""
        for optimizer, training in self._of.items():
            self._tell_settings(training, optimizer)
        self._finish()
        self._write_evaluations()

    # --- trainings ---------------------------------------------------------------------------------------------------

    def choose(self, chosen: WeakSet[Any]) -> None:
        """The training that is shown is that of an optimiser, or of a model, that the program has named."""
        self._chosen = chosen

    def _main(self) -> Training | None:
        """The training that is shown, and that consoles command: of the most parameters, the first of equal ones.

        One that has made no update for long is over, though a notebook may keep it; and so is one that has made none
        since another of its size was there.
        """

        def rank(each: Training) -> tuple[bool, bool, int]:
            return each.chosen, self._updates - each.latest < IDLE, each.size

        if not (there := list(self._of.values())):
            return None
        highest = max(map(rank, there))
        equal = [each for each in there if rank(each) == highest]
        newest = max(equal, key=lambda each: each.number)
        return min((each for each in equal if each.latest > newest.begun), key=lambda each: each.number, default=newest)

    def _show(self) -> None:
        """Show another training, where the one that was shown has no optimiser any more, or a larger one is there."""
        if (main := self._main()) is self._shown or main is None:
            return
        self._shown = main
        self._journal.write("shown", training=main.number)
        optimizers = sorted(self._of, key=lambda each: self._of[each] is not main)
        self._shown_parameters = frozenset(id(each) for group in optimizers[0].param_groups for each in group["params"])
        self._control.begin(optimizers)
        self.windows.begin()
        self._targets = Targets()

    def _is_chosen(self, optimizer: Optimizer, models: Iterable[nn.Module]) -> bool:
        """Whether the program has named an optimiser, or one of the models whose parameters it updates."""
        return any(each in self._chosen for each in (optimizer, *models))

    def _new(self, optimizer: Any) -> Training:
        """Begin the training of an optimiser that was not seen before."""
        self._finish()
        if self._trainings:
            self._write_evaluations()  # They are of the training before.
        parameters = [each for group in optimizer.param_groups for each in group["params"]]
        models = models_of(parameters)
        self._loop.models_known(models)
        groups = grouped(parameters, names_of(parameters, models))
        size = sum(each.numel() for each in parameters)
        chosen = self._is_chosen(optimizer, models)
        training = self._of[optimizer] = Training(len(self._trainings) + 1, size, groups, chosen)
        training.latest = training.begun = self._updates
        self._trainings.append(training)
        first = parameters[0] if parameters else None
        self._journal.write(
            "training",
            training=training.number,
            chosen=chosen,
            optimizer=getattr(optimizer, "NAME", type(optimizer).__name__),
            parameters=size,
            tensors=len(parameters),
            network=described(models),
            form=form_of(models, parameters),
            matrices=groups.names,
            compute="" if first is None else f"{first.device} {str(first.dtype).removeprefix('torch.')}",
        )
        self._show()
        return training

    def _finish(self) -> None:
        """Write the points of updates that none has told yet."""
        for training in self._trainings:
            if training.updates:
                self._write_point(training, time.monotonic())

    def _go_back(self, update: int, targets: int) -> None:
        """The training that consoles command is at an earlier update again."""
        self._finish()
        if (shown := self._shown) is not None:
            shown.update, shown.targets, shown.broken = update, targets, False
            shown.told = []  # The settings are those of before, and whoever reads the journal is to know them again.

    def _wait(self, seconds: float) -> None:
        """The training was paused for so long, which is not part of its time."""
        self.time.begun += seconds
        self._time_inside.begun += seconds

    # --- losses ------------------------------------------------------------------------------------------------------

    def _take_losses(self, training: Training) -> None:
        """Give an update the losses since the one before."""
        loss, targets = self.losses.take()
        if loss is None and training is self._shown and self._of_others is not None:
            loss, targets = self._of_others  # An optimiser for each parameter: the first of them had the loss.
        self._of_others = None if training is self._shown else (loss, targets) if loss is not None else self._of_others
        if loss is not None:
            training.loss.total += loss
            training.loss.count += 1
            if (broken := not math.isfinite(loss)) and not training.broken:
                self._journal.write(
                    "broken", training=training.number, update=training.update - 1, text=f"the loss is {loss}"
                )
            training.broken = broken
        training.targets += targets

    def _write_evaluations(self) -> None:
        """Write down the losses without gradient since the last update, with the update that they belong to."""
        if sets := self._evaluations.take():
            training, update, targets = self._place()
            self._journal.write(
                "validation",
                training=training,
                update=update,
                targets=targets,
                seconds=time.monotonic() - self.time.begun,
                sets=sets,
            )

    def _place(self) -> tuple[int, int, int]:
        """The training that is shown, with its updates and targets so far."""
        shown = self._shown
        return (0, 0, 0) if shown is None else (shown.number, shown.update, shown.targets)

    # --- gradients and lengths ---------------------------------------------------------------------------------------

    def _measure(self, training: Training, optimizer: Any, norms: Mapping[int, float] | None) -> None:
        """The gradient's norm, before clipping where that was done by one of torch's functions."""
        norm = self._take_clipping(training)
        if norms is not None:
            training.by_hand.arrived = None
            if norms:
                self._take_norms(training, norms, norm)
            return
        if not self.measures and training.update and training.by_hand.arrived is None:
            return
        with self.time.used():
            measured = gradient_norms(optimizer)
            if self._clipping is None and not self._values_clipped:
                norm = training.by_hand.step(math.hypot(*measured.values()))
                training.norms += [] if norm is None else [norm]
            training.by_hand.arrived = None
            self._take_norms(training, measured, norm)
            if training.update:  # At the first one an optimiser has its slots still to make.
                training.before = copies(training.groups, optimizer)

    def _take_clipping(self, training: Training) -> float | None:
        """The norm of a gradient that one of torch's functions has clipped, before it did; None of any other."""
        if self._clipping is None:
            return None
        training.bound, given = self._clipping
        if not given.is_cpu:
            return None
        norm: float = given.item()
        training.norms.append(norm)
        if norm > training.bound:
            training.factors.append(training.bound / (norm + CLIPPED_A_LITTLE))
        return norm

    def _measure_within(self, training: Training, optimizer: Any) -> None:
        """The gradient's norm after a step that has computed it itself: of the last time, where that was several."""
        before, training.before = training.before, []
        self._measure(training, optimizer, None)
        training.before, self._clipping, self._values_clipped = before, None, False

    def _take_norms(self, training: Training, norms: Mapping[int, float], before_clipping: float | None) -> None:
        """Take the norm of the gradient of all, and of each group of weight matrices."""
        whole = math.hypot(*norms.values())
        # Clipping by norm has shortened all of them alike.
        factor = 1.0
        if before_clipping is None:
            training.norms.append(whole)
        elif whole > 0:
            factor = before_clipping / whole
        training.squares = training.squares or [0.0] * len(training.groups.names)
        for place, norm in norms.items():
            if (group := training.groups.of[place] if place < len(training.groups.of) else None) is not None:
                training.squares[group] += (factor * norm) ** 2
        training.measured += 1

    def _measure_length(self, training: Training) -> None:
        """The change of the weight matrices by an update, as a share of them."""
        begun = time.monotonic()
        with self.time.used():
            found, share = moved(training.groups, training.before), lost(training.before)
            dtype = str(training.before[0][1].dtype).removeprefix("torch.")
            training.before = []
        if share is not None and share > LOST and training is self._shown:
            self._loop.updates_lost(share, dtype)
        values = {"whole": found.whole, "ratios": found.ratios, "norms": found.norms}
        self._probe("update_ratio", training, begun, **values)

    def _clip(self, training: Training, optimizer: Optimizer) -> None:
        """Clip to the bound that a console has set, where the program does not clip by one of torch's functions."""
        bound = self.knobs.clip
        if self._clipping is not None or self._values_clipped or bound is None or math.isinf(bound):
            return
        from torch.nn.utils import clip_grad

        clip = getattr(clip_grad.clip_grad_norm_, "__wrapped__", clip_grad.clip_grad_norm_)
        norm = float(clip([each for group in optimizer.param_groups for each in group["params"]], bound))
        training.bound = bound
        if norm > bound:
            training.factors.append(bound / (norm + CLIPPED_A_LITTLE))

    # --- records -----------------------------------------------------------------------------------------------------

    def _probe(self, instrument: str, training: Training | None, begun: float, **values: Any) -> None:
        """Write down what was measured since a time."""
        if training is None or training is self._shown:
            update, targets = (training.update, training.targets) if training else (0, 0)
            seconds = time.monotonic() - begun
            self._journal.write(
                "probe", update=update, targets=targets, instrument=instrument, seconds=seconds, values=values
            )

    def _write_point(self, training: Training, now: float) -> None:
        loss, _ = training.loss.take()
        lengths = self.windows.recurrent.take() if training is self._shown else []
        norms, factors = training.norms, sorted(training.factors)
        clipped, factor = training.by_hand.take()
        bound = training.by_hand.bound
        if bound is None or factors:
            clipped = min(1.0, len(factors) / training.updates)
            factor, bound = factors[len(factors) // 2] if factors else 1.0, training.bound
        self._journal.write(
            "point",
            training=training.number,
            update=training.update,
            targets=training.targets,
            seconds=now - self.time.begun,
            updates=training.updates,
            loss=loss,
            lr=float(training.rate),
            grad_norm=sum(norms) / len(norms) if norms else None,
            grad_norm_max=max(norms, default=None),
            norms=[math.sqrt(each / training.measured) for each in training.squares] if training.measured else None,
            clipped=clipped,
            clip=bound,
            clip_factor=factor,
            bptt=sum(lengths) / len(lengths) if lengths else None,
            bptt_max=max(lengths, default=None),
        )
        training.norms.clear()
        training.factors.clear()
        training.squares, training.measured = [], 0
        training.updates = 0

    def _tell_settings(self, training: Training, optimizer: Optimizer) -> None:
        """Write down the settings of each group of parameters, where they are not what the journal says."""
        groups = [{name: _plain(group[name]) for name in GROUP if name in group} for group in optimizer.param_groups]
        if groups != training.told:
            training.told = groups
            self._journal.write("settings", training=training.number, update=training.update, groups=groups)


def _plain(value: Any) -> Any:
    return [float(each) for each in value] if isinstance(value, tuple | list) else float(value)
