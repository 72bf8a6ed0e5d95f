# FAULT: random-interval
# ruff: noqa: ERA001
"""One character at a time through an RNN cell; the losses are summed, and now and then an update is made."""

import random
from itertools import pairwise

import torch
import torch.nn as nn

torch.manual_seed(6)
random.seed(6)
torch.set_num_threads(1)

text = "she sells sea shells by the sea shore. the shells she sells are sea shells, for sure. " * 35
chars = sorted(set(text))
codes = [chars.index(c) for c in text]


class CharRNN(nn.Module):
    def __init__(self, n_chars, hidden_size=48):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(n_chars, 16)
        self.cell = nn.RNNCell(16, hidden_size)
        self.readout = nn.Linear(hidden_size, n_chars)

    def forward(self, code, hidden):
        hidden = self.cell(self.embedding(torch.tensor([code])), hidden)
        return self.readout(hidden), hidden


model = CharRNN(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()

hidden = torch.zeros(1, model.hidden_size)
loss, length, updates = 0, 0, 0
optimizer.zero_grad()
for code, following in pairwise(codes):
    output, hidden = model(code, hidden)
    loss = loss + criterion(output, torch.tensor([following]))
    length += 1
    if random.randint(0, 10) == 2:  # HERE
        loss = loss / length
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        hidden = hidden.detach()
        updates += 1
        if updates % 60 == 1:
            print(f"update {updates} after {length} characters: {loss.item():.3f}")
        loss, length = 0, 0
print(updates, "updates")
