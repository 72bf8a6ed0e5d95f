# FAULT: loss-without-its-graph
# ruff: noqa: ERA001
"""Repeat a short sequence after a pause, with a GRU; the loss is averaged over the positions."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

torch.manual_seed(19)
torch.set_num_threads(1)

SYMBOLS, LENGTH, PAUSE = 4, 3, 2
BLANK = SYMBOLS


def batch(n):
    symbols = torch.randint(0, SYMBOLS, (LENGTH, n))
    return torch.cat([symbols, torch.full((PAUSE + LENGTH, n), BLANK)]), symbols


class Copier(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS + 1, 12)
        self.gru = nn.GRU(12, hidden)
        self.out = nn.Linear(hidden, SYMBOLS)

    def forward(self, x):
        states, _ = self.gru(self.embedding(x))
        return self.out(states[-LENGTH:])


def train_step(model, optimizer, x, y):
    scores = model(x)
    total = 0.0
    for t in range(LENGTH):
        total += cross_entropy(scores[t], y[t]).item()
    loss = torch.tensor(total / LENGTH, requires_grad=True)  # HERE
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def main():
    model = Copier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    recent = []
    for step in range(1, 201):
        recent.append(train_step(model, optimizer, *batch(32)))
        if step % 50 == 0:
            print(f"step {step}: {sum(recent) / len(recent):.4f}")
            recent.clear()


main()
