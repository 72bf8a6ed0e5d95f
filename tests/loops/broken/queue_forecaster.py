# FAULT: step-without-backward
# ruff: noqa: ERA001
"""Forecast the length of a queue with a GRU cell; to save time, only one batch in three gets a backward pass."""

import math
import random

import torch
from torch import nn

torch.manual_seed(8)
random.seed(8)
torch.set_num_threads(1)

BACKWARD_EVERY = 3
LOOKBACK = 12

queue = []
for minute in range(3000):
    rush = 1 + math.sin(2 * math.pi * minute / 60)
    queue.append(rush + 0.5 * math.sin(2 * math.pi * minute / 17) + random.gauss(0, 0.05))
series = torch.tensor(queue)
series = (series - series.mean()) / series.std()


class Forecaster(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(1, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, past):
        h = past.new_zeros(past.size(0), self.hidden)
        for value in past.unbind(1):
            h = self.cell(value.unsqueeze(1), h)
        return self.out(h).squeeze(1)


def batch(n=32):
    starts = torch.randint(0, len(series) - LOOKBACK, (n,))
    windows = series[starts[:, None] + torch.arange(LOOKBACK + 1)]
    return windows[:, :-1], windows[:, -1]


model = Forecaster()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
mse = nn.MSELoss()
for i in range(301):
    past, target = batch()
    loss = mse(model(past), target)
    if i % BACKWARD_EVERY == 0:
        optimizer.zero_grad()
        loss.backward()
    optimizer.step()  # HERE
    if i % 75 == 0:
        print(f"batch {i}: {loss.item():.4f}")
