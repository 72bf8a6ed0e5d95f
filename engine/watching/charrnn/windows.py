"""The windows of a training: what it learns from in each update, and what becomes of the state between two."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from charrnn.chains import chain_of, graph_of
from charrnn.inside import Inside
from charrnn.journal import Writer
from charrnn.loop import Loop
from charrnn.masks import is_inverted, mask_of
from charrnn.neighbours import Pairs
from charrnn.overlap import Overlap
from charrnn.predictions import keeps_order, part_of
from charrnn.recurrent import CARRIED, FRESH, NONE, Recurrent
from charrnn.sequences import Only, Sequences, Window, one_hot
from charrnn.slices import Slices

if TYPE_CHECKING:
    from torch import Tensor, nn

FIRST_WINDOWS = 24
"""The pairs of windows that follow each other after which they are told of."""

GROWS = 4
"""How many times as many there must be until they are told of again."""

TOLD_UPDATES = (4, 16, 48)
"""The updates after which windows are told of whose targets are not the next inputs."""

SAME_TOLD = 24
"""The windows in a row that must be the same until that is told."""

KNOWN_PAIRS, ENOUGH_PAIRS = 2_000, 30_000
"""The pairs of inputs that follow each other from which they tell something, and after which no more are counted."""

ENOUGH_ONLY, TELLS = 100, 0.3
"""The sequences with one target each that are looked at, and how much likelier, in nats, their last input must make the
target, as it makes the one that follows it in a sequence."""

DROPPED = 8
"""The calls of a cell in one window that must be given the state of the call before again, not what that returned."""

GROWN, GROWN_TIMES = 8, 3
"""The updates in a row at which the gradient goes further back than before, and how many times as far at last, so that
a state is never cut."""

CARRIED_ON = 20
"""The batches in a row, of sequences with a target each, whose state must be that of the batch before."""

MOST_WITHOUT = 4
"""How many graphs without recurrence are looked at."""

MOST_CONFUSED = 3
"""How often a recurrent module must step along something else than time, until it is looked at no longer."""


class Windows:
    """Looks at some windows of a training, and tells the journal how they follow each other.

    Attributes:
        recurrent: the recurrent modules.
        overlap: what was trained on, and what is validated on.
        inside: the module that is measured.
        inspects: whether that is done in this window.
        looks: whether it is looked at what this window learns from. It costs time, and is the same in most windows.
    """

    def __init__(self, journal: Writer, loop: Loop) -> None:
        self._journal, self._loop = journal, loop
        self.recurrent, self.inside = Recurrent(), Inside()
        self.begin()

    def begin(self) -> None:
        """Another training is shown."""
        self.looks = self.inspects = True
        self._sequences = Sequences()
        self._given: Counter[str] = Counter()
        self._sizes: list[int] = []
        self._confused = self._told = 0
        self._along, self._across = Pairs(), Pairs()
        self._only, self._only_carried = (0, 0.0), 0
        self._without = self._crossed = self._inverted = 0
        self._masked: Tensor | None = None
        self._lengths: list[int] = []
        self.overlap, self._slices = Overlap(), Slices()
        self._looked_up: Tensor | None = None
        self._fed: Tensor | None = None
        self._calls, self._apart = 0, False

    def ids_given(self, ids: Tensor) -> None:
        """A program looks up these numbers in a table of vectors, with gradients."""
        self._sequences.ids_given(ids)
        self._looked_up = ids
        self.overlap.trained(ids)

    def recurrent_called(self, module: nn.Module, args: Any, kwargs: Any, returned: Any) -> None:
        """A recurrent module was called, with gradients."""
        if self.recurrent.given is None and self.looks:
            self._loop.model_called()
        self.recurrent.called(module, args, kwargs, returned)
        self._fed, self._looked_up = self._looked_up, None
        self._calls += 1
        if self.looks and self._calls > 1 and self._fed is None and not type(module).__name__.endswith("Cell"):
            given = args[0] if args else kwargs.get("input")
            self._apart |= hasattr(given, "grad_fn") and not keeps_order(given)
        if self._calls > 1 and self._fed is not None and self.looks:
            self._loop.decoder_called()
        if self.inspects:
            self.inside.called(module, args, kwargs, returned)
        if self.looks and (ids := one_hot(args[0] if args else kwargs.get("input"))) is not None:
            self._sequences.ids_given(ids)

    def backward_begins(self, roots: list[Tensor]) -> dict[str, float] | None:
        """Look for recurrence in the graph of a loss, where no recurrent module of torch was called.

        Returns:
            The shares of saturated values and of frozen units, where there is recurrence and these are to be measured.
        """
        self.recurrent.backward_begins()
        self._check_mask(roots)
        seeks = self.looks and self.recurrent.given is None and self._without < MOST_WITHOUT
        graph = graph_of(roots[0]) if seeks and len(roots) == 1 else None
        if graph is None:
            return None
        if (chain := chain_of(graph)) is None:
            self._without += 1
            return None
        self._loop.model_called()
        self.recurrent.found(chain)
        return graph.saturated() if self.inspects else None

    def targets_given(self, predictions: Tensor, target: Tensor) -> None:
        """A loss function was given predictions, and targets that are numbers of classes."""
        self._sequences.targets_given(target, part_of(predictions), in_order=keeps_order(predictions))
        self._sizes.append(target.numel())

    def losses_given(self, target: Tensor) -> None:
        """A loss function has returned a loss for each of these targets."""
        if self.looks:
            self._masked = target

    def passed_by(self, updates: int) -> None:
        """So many updates were made that were not looked at."""
        self._sequences.pass_by(updates)
        self._lengths.clear()

    @property
    def rests(self) -> int:
        """The updates to come that are not to be looked at."""
        return 0 if self.looks else self._sequences.rests

    def update_ended(self, update: int) -> None:
        """Compare the data since the last update with the data before, and see what state was carried."""
        if self.looks:
            self._look(update)
        else:
            self.passed_by(1)
        if self.looks or self.recurrent.window is not None:
            self.recurrent.window_ends()
        self.looks = self._sequences.due

    def _look(self, update: int) -> None:
        given, first = self.recurrent.given, self.recurrent.first
        if self.recurrent.dropped >= DROPPED:
            self._loop.cell_begins_anew(self.recurrent.dropped)
        if given is not None and self._sequences.follows:
            self._given[given] += 1
        if first is not None:
            self._slices.window(*first, follows=self._sequences.follows)
        only, self._sequences.only = self._sequences.only, None
        if (window := self._sequences.window_ends()) is not None:
            if window.shift == 0 and not self._reads_once(window):
                window.shift = None
            self._count(window)
            self._crossed += window.crossed
            if self._crossed == MOST_CONFUSED:
                self._tell(update, window)
            if first is not None and self._confused < MOST_CONFUSED:
                self._confused += bool(window.is_confused_by(*first))
            if self._sequences.windows >= max(FIRST_WINDOWS, GROWS * self._told) or (
                window.shift not in (None, 1) and update in TOLD_UPDATES
            ):
                self._told = self._sequences.windows
                self._tell(update, window)
        elif self._slices.windows >= max(FIRST_WINDOWS, GROWS * self._told) and self._slices.continued:
            self._told = self._slices.windows
            self._tell(update, None)
        elif first is not None and self._confused < MOST_CONFUSED and self._steps_along_the_batch(*first):
            self._confused += 1
            if self._confused == MOST_CONFUSED:
                self._tell(update, None)
        if only is not None:
            self._check_only(only)
        if self._sequences.same == SAME_TOLD:
            self._tell(update, window)
        self._check_growth()
        self._fed = self._looked_up = None
        self._calls, self._apart = 0, False
        self._sizes.clear()
        self.inside.clear()

    def _count(self, window: Window) -> None:
        """Count which inputs follow each other in time, and which stand side by side."""
        if window.axis is None or min(window.ids.shape) < 2 or self._along.total >= ENOUGH_PAIRS:
            return
        for pairs, axis in ((self._along, window.axis), (self._across, 1 - window.axis)):
            length = window.ids.shape[axis] - 1
            pairs.count(window.ids.narrow(axis, 0, length), window.ids.narrow(axis, 1, length))

    def _reads_once(self, window: Window) -> bool:
        """Whether a network makes a step for each input, and no more: else it reads them, and then tells them again."""
        if window.ids.shape[0] > 1 and self._calls > 1 and self._is_fed(window):
            return True
        if self._apart:
            return False  # It is given something that was made of what another has read, as by an autoencoder.
        steps = self.recurrent.last
        return window.ids.shape[0] > 1 if steps is None else steps in (1, *window.ids.shape)

    def _is_fed(self, window: Window) -> bool:
        """Whether the last recurrent module of several, as a decoder, was given these very inputs itself."""
        fed = self._fed
        return fed is not None and fed.shape == window.ids.shape and bool((fed.detach().cpu() == window.ids).all())

    def _check_only(self, only: Only) -> None:
        """Whether sequences have one target each that is but their next element, as the others are of those before."""
        seen, gained = self._only
        self._only_carried = self._only_carried + 1 if self.recurrent.given == CARRIED else 0
        if self._only_carried >= CARRIED_ON and seen >= ENOUGH_ONLY and gained <= TELLS * seen:
            self._loop.state_of_others(self._only_carried)
        known = self._along.total >= KNOWN_PAIRS
        gain = self._along.gain(only.ids[:, -1], only.targets) if known else math.nan
        if self._along.total < ENOUGH_PAIRS:
            self._along.count(only.ids[:, :-1], only.ids[:, 1:])
        if seen >= ENOUGH_ONLY or math.isnan(gain):
            return
        self._only = seen, gained = seen + len(only.targets), gained + gain * len(only.targets)
        if seen >= ENOUGH_ONLY and gained > TELLS * seen:
            self._loop.targets_few(only.ids.shape[1])

    def _check_mask(self, roots: list[Tensor]) -> None:
        """Whether a loss counts where there is one kind of target alone, as that of padding."""
        target, self._masked = self._masked, None
        if target is None or len(roots) != 1 or self._inverted >= MOST_CONFUSED:
            return
        if (mask := mask_of(roots[0], target.numel())) is not None and is_inverted(mask, target):
            self._inverted += 1
            if self._inverted == MOST_CONFUSED:
                self._loop.mask_inverted()

    def _check_growth(self) -> None:
        """Whether the gradient goes further back at each update: then a state is never cut."""
        length = self.recurrent.last
        grows = length is not None and (not self._lengths or length > self._lengths[-1])
        self._lengths = [*self._lengths, length] if grows and length is not None else []
        if len(self._lengths) >= GROWN and self._lengths[-1] >= GROWN_TIMES * self._lengths[0]:
            self._loop.graph_grows(self._lengths[-1])

    def _steps_along_the_batch(self, given: Tensor, time_axis: int) -> bool:
        """Whether there is one target for each step of a recurrent module, and not for each sequence."""
        steps, sequences = given.shape[time_axis], given.shape[1 - time_axis]
        return self._sizes == [steps] and steps != sequences > 1

    def _tell(self, update: int, window: Window | None) -> None:
        sequences, slices = self._sequences, self._slices
        windows, continued = sequences.windows, sequences.continued
        if not windows and 2 * slices.continued > slices.windows:  # Others may be of several texts.
            windows, continued = slices.windows, slices.continued
        decodes = window is not None and window.shift == 0 and self._calls > 1 and self._fed is not None
        site = self._loop.decoder_site if decodes else self._loop.model_site
        self._journal.write(
            "sequence",
            update=update,
            windows=windows,
            continued=continued,
            same=sequences.same,
            shift=None if window is None else window.shift,
            sequences=None if window is None else window.sequences,
            confused=self._confused,
            crossed=self._crossed,
            along=self._along.information,
            across=self._across.information,
            pairs=min(self._along.total, self._across.total),
            **{kind: self._given[kind] for kind in (NONE, FRESH, CARRIED)},
            file=site.file if site else "",
            line=site.line if site else 0,
            code=site.code if site else "",
        )
