"""A small transformer, trained by the recipe that nanoGPT's page gives for a computer without a GPU.

4 layers, 4 heads, 128 channels, blocks of 64 characters, batches of 12 blocks, 2,000 iterations of AdamW. Written here
as a rival; only the shape is taken over.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.text.corpus import Corpus

LAYERS, HEADS, CHANNELS, BLOCK, BATCH = 4, 4, 128, 64, 12
ITERATIONS, WARMUP, PEAK, FLOOR = 2000, 100, 1e-3, 1e-4


class Layer(nn.Module):
    """Causal attention, then a layer of four times the channels; both with a residual connection."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(CHANNELS), nn.LayerNorm(CHANNELS)
        self.qkv = nn.Linear(CHANNELS, 3 * CHANNELS)
        self.mix = nn.Linear(CHANNELS, CHANNELS)
        self.mlp = nn.Sequential(nn.Linear(CHANNELS, 4 * CHANNELS), nn.GELU(), nn.Linear(4 * CHANNELS, CHANNELS))

    def forward(self, channels: Tensor) -> Tensor:
        """Map (batch, time, channels) to the same shape."""
        batch, times, _ = channels.shape
        qkv = self.qkv(self.before_attention(channels)).view(batch, times, 3, HEADS, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        channels = channels + self.mix(seen.transpose(1, 2).reshape(batch, times, CHANNELS))
        out: Tensor = channels + self.mlp(self.before_mlp(channels))
        return out


class Transformer(nn.Module):
    """Maps characters to the logits of the characters after them."""

    def __init__(self, entries: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(entries, CHANNELS)
        self.places = nn.Embedding(BLOCK, CHANNELS)
        self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
        self.last = nn.LayerNorm(CHANNELS)
        self.head = nn.Linear(CHANNELS, entries, bias=False)
        self.head.weight = self.embedding.weight
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                residual = name.endswith(("mix.weight", "mlp.2.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if residual else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Map (batch, time) to (batch, time, entries)."""
        channels = self.embedding(ids) + self.places.weight[: ids.shape[1]]
        logits: Tensor = self.head(self.last(self.layers(channels)))
        return logits


def train(corpus: Corpus, seed: int = 0) -> tuple[float, float]:
    """Seconds of training, and the validation loss at its end in nats per character."""
    torch.manual_seed(seed)
    network = Transformer(corpus.vocabulary.size)
    matrices = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, PEAK, (0.9, 0.99), fused=True)
    random = np.random.default_rng(seed)
    begun = time.perf_counter()
    for iteration, (inputs, targets) in enumerate(_batches(corpus, random, ITERATIONS)):
        for group in optimiser.param_groups:
            group["lr"] = _rate(iteration)
        loss = functional.cross_entropy(network(inputs).flatten(0, 1), targets.flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    return time.perf_counter() - begun, _validate(network, corpus)


def _rate(iteration: int) -> float:
    if iteration < WARMUP:
        return PEAK * (iteration + 1) / (WARMUP + 1)
    share = (iteration - WARMUP) / (ITERATIONS - WARMUP)
    return FLOOR + (PEAK - FLOOR) * (1 + math.cos(math.pi * share)) / 2


def _batches(corpus: Corpus, random: np.random.Generator, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    ids = torch.from_numpy(corpus.training[:].astype(np.int64))
    for _ in range(count):
        begins = random.integers(0, len(ids) - BLOCK - 1, BATCH).tolist()
        windows = torch.stack([ids[begin : begin + BLOCK + 1] for begin in begins])
        yield windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def _validate(network: Transformer, corpus: Corpus) -> float:
    """The loss over the whole validation split, in consecutive blocks."""
    ids = torch.from_numpy(corpus.validation[:].astype(np.int64))
    blocks = (len(ids) - 1) // BLOCK
    inputs, targets = ids[: blocks * BLOCK].view(blocks, BLOCK), ids[1 : blocks * BLOCK + 1].view(blocks, BLOCK)
    losses = [
        functional.cross_entropy(network(part).flatten(0, 1), expected.flatten(), reduction="sum")
        for part, expected in zip(torch.split(inputs, 64), torch.split(targets, 64), strict=True)
    ]
    return float(torch.stack(losses).sum()) / (blocks * BLOCK)
