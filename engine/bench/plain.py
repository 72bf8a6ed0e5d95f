"""The usual plain training loop: `nn.LSTM`, a loss, `backward`, clipping, an optimiser."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.network.model import CELLS
from engine.settings import Settings
from engine.text.corpus import Corpus
from engine.windows import LAST


@dataclass(frozen=True, slots=True)
class Way:
    """The choices that the author of such a loop can make.

    Attributes:
        dtype: the number type of the products, by autocast where it is not float32.
        threads: the number of torch's threads.
        fused: whether to use torch's fused optimiser, which is not torch's default.
    """

    dtype: torch.dtype = torch.float32
    threads: int = 1
    fused: bool = True


class PlainLoop:
    """Trains the network that `settings` describe, on streams that begin again at their end."""

    def __init__(self, corpus: Corpus, settings: Settings, way: Way) -> None:
        self._settings, self._way = settings, way
        size = corpus.vocabulary.size
        self._embedding = nn.Embedding(size, settings.embedding)
        self._rnn = CELLS[settings.cell](settings.embedding, settings.hidden, settings.layers)
        self._head = nn.Linear(settings.hidden, size)
        modules = (self._embedding, self._rnn, self._head)
        self._parameters = [parameter for module in modules for parameter in module.parameters()]
        self._optimiser = torch.optim.Adam(self._parameters, settings.lr, fused=way.fused or None)
        ids = torch.from_numpy(corpus.training[:].astype(np.int64))
        length = len(ids) // settings.streams
        self._streams = ids[: length * settings.streams].view(settings.streams, length).t().contiguous()
        self._random = np.random.default_rng(0)
        self._place = 0
        self._state: Any = None

    def update(self) -> int:
        """Make an update; return the number of characters read, over all streams."""
        length = int(self._settings.bptt.draw(self._random, 1)[0])
        if self._place + length + 1 > len(self._streams):
            self._place = 0
        window = self._streams[self._place : self._place + length + 1]
        self._place += length
        with torch.autocast("cpu", torch.bfloat16, enabled=self._way.dtype is torch.bfloat16):
            outputs, self._state = self._rnn(self._embedding(window[:-1]), self._state)
            targets = window[1:]
            if self._settings.targets == LAST:
                outputs, targets = outputs[-1:], targets[-1:]
            loss = functional.cross_entropy(self._head(outputs).flatten(0, 1), targets.flatten())
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._settings.clip is not None:
            nn.utils.clip_grad_norm_(self._parameters, self._settings.clip)
        self._optimiser.step()
        self._state = _detached(self._state)
        return length * self._settings.streams

    def rate(self, seconds: float) -> float:
        """The rate in characters per second, measured over about `seconds` seconds."""
        torch.set_num_threads(self._way.threads)
        self.update()
        chars, begun = 0, time.perf_counter()
        while (took := time.perf_counter() - begun) < seconds or not chars:
            chars += self.update()
        return chars / took


def _detached(state: Tensor | tuple[Tensor, ...]) -> Any:
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
