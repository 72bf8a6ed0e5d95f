# FAULT: targets-shifted
# ruff: noqa: ERA001
"""GRU on streams of a made-up language of syllables; the state goes on from window to window."""

import random

import torch
from torch import nn

torch.set_num_threads(1)


def babble(n, rng):
    after = {"ka": ["lo", "mi"], "lo": ["mi", "tu"], "mi": ["tu", "ka"], "tu": ["re"], "re": ["ka", "lo"]}
    syllable, out = "ka", []
    for _ in range(n):
        out.append(syllable)
        syllable = rng.choice(after[syllable])
    return "".join(out)


class Net(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.gru = nn.GRU(vocab, hidden, num_layers=1)
        self.out = nn.Linear(hidden, vocab)
        self.vocab = vocab

    def forward(self, x, h):
        y, h = self.gru(nn.functional.one_hot(x, self.vocab).float(), h)
        return self.out(y), h


def windows(streams, size):
    """Pairs of input and target windows, each of size x batch."""
    for i in range(0, len(streams) - size - 2, size):
        yield streams[i : i + size], streams[i + 2 : i + size + 2]  # HERE


def train(epochs=3, batch=12, size=18, hidden=32):
    torch.manual_seed(5)
    text = babble(6000, random.Random(5))
    chars = sorted(set(text))
    ids = torch.tensor([chars.index(c) for c in text])
    streams = ids[: len(ids) // batch * batch].view(batch, -1).t().contiguous()
    net = Net(len(chars), hidden)
    optimizer = torch.optim.AdamW(net.parameters(), lr=6e-3)
    for epoch in range(epochs):
        h, losses = None, []
        for x, y in windows(streams, size):
            logits, h = net(x, h)
            h = h.detach()
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 2.0)
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: {sum(losses) / len(losses):.4f} over {len(losses)} windows")


train()
