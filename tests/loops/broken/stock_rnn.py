# FAULT: step-never-called
# ruff: noqa: ERA001
"""The next value of a wandering price with an RNN."""

import math
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(38)
random.seed(38)
torch.set_num_threads(1)

changes, value = [], 0.0
for day in range(1500):
    value = 0.7 * value + random.gauss(0, 0.3) + 0.5 * math.sin(2 * math.pi * day / 5)
    changes.append(value)
changes = torch.tensor(changes)

WINDOW = 10
pieces = changes.unfold(0, WINDOW + 1, 1)
loader = DataLoader(TensorDataset(pieces[:, :-1], pieces[:, -1]), batch_size=32, shuffle=True)


class PriceRNN(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.RNN(1, hidden, batch_first=True, nonlinearity="tanh")
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.rnn(x.unsqueeze(-1))
        return self.linear(out[:, -1]).squeeze(-1)


model = PriceRNN()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(4):
    epoch_loss = 0.0
    for past, following in loader:
        optimizer.zero_grad()
        prediction = model(past)
        loss = criterion(prediction, following)
        loss.backward()
        epoch_loss += loss.item()
    print(f"Epoch [{epoch + 1}/4], Loss: {epoch_loss / len(loader):.4f}")
