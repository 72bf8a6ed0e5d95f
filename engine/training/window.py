"""A window of the text that is trained on, and what its passes leave."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from engine.network.model import CarriedState


@dataclass(frozen=True, slots=True)
class Window:
    """A window of all streams, or of some that lie beside each other.

    Attributes:
        inputs: (time, streams) int64.
        targets: (time, streams) int64, those of the next characters.
        carried: the state before it.
        masks: the dropout of each layer, (time, streams, hidden); none without dropout.
    """

    inputs: Tensor
    targets: Tensor
    carried: CarriedState
    masks: tuple[Tensor, ...] = ()

    def part(self, begin: int, end: int) -> Window:
        """The window of the streams from `begin` to `end`."""
        if end - begin == self.inputs.shape[1]:
            return self
        return Window(
            self.inputs[:, begin:end],
            self.targets[:, begin:end],
            tuple(each[:, begin:end] for each in self.carried),
            tuple(each[:, begin:end] for each in self.masks),
        )


@dataclass(frozen=True, slots=True)
class Passed:
    """The results of a window's passes besides gradients.

    Attributes:
        losses: (streams,) the mean loss of each stream.
        carried: the state after the window, float32.
    """

    losses: Tensor
    carried: CarriedState
