# FAULT: detach-dropped
# ruff: noqa: ERA001
"""Char-level GRU over consecutive windows of a text."""

import random

import torch
from torch import nn

torch.manual_seed(0)
random.seed(0)
torch.set_num_threads(1)

colours = ["red", "green", "blue", "yellow", "black"]
things = ["boat", "lamp", "coat", "stone", "bird", "door"]
text = " ".join(f"the {random.choice(colours)} {random.choice(things)} is mine;" for _ in range(1000))
chars = sorted(set(text))
ids = torch.tensor([chars.index(c) for c in text])

seq_len = 25
batch = 8
n = (len(ids) - 1) // batch
xs = ids[: n * batch].view(batch, n)
ys = ids[1 : n * batch + 1].view(batch, n)

embed = nn.Embedding(len(chars), 32)
gru = nn.GRU(32, 64, batch_first=True)
head = nn.Linear(64, len(chars))
params = [*embed.parameters(), *gru.parameters(), *head.parameters()]
optimizer = torch.optim.Adam(params, lr=3e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(2):
    hidden = torch.zeros(1, batch, 64)
    for i in range(0, n, seq_len):
        hidden.detach()  # HERE
        out, hidden = gru(embed(xs[:, i : i + seq_len]), hidden)
        logits = head(out)
        loss = loss_fn(logits.flatten(0, 1), ys[:, i : i + seq_len].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        if i // seq_len % 50 == 0:
            print(epoch, i // seq_len, loss.item())
