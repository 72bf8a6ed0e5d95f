# FAULT: losses-kept
# ruff: noqa: ERA001
"""LSTM that says after every bit whether the number of ones so far is odd."""

import torch
from torch import nn, optim

torch.manual_seed(123)
torch.set_num_threads(1)


class Parity(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, bits):
        states, _ = self.lstm(bits)
        return self.out(states)


def bits(length, batch):
    x = torch.randint(0, 2, (length, batch, 1)).float()
    return x, x.cumsum(0) % 2


net = Parity()
criterion = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(net.parameters(), lr=2e-2)

total_loss = 0
n_updates = 250
for update in range(1, n_updates + 1):
    x, y = bits(length=6, batch=32)
    optimizer.zero_grad()
    loss = criterion(net(x), y)
    loss.backward()
    optimizer.step()
    total_loss += loss  # HERE
    if update % 50 == 0:
        print(f"update {update}: mean loss so far {total_loss / update:.4f}, this one {loss:.4f}")

with torch.no_grad():
    x, y = bits(length=6, batch=200)
    print(f"right: {((net(x) > 0) == (y > 0.5)).float().mean():.1%}")
