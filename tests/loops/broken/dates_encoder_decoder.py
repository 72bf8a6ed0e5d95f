# FAULT: in-no-optimizer
"""Translate dates such as '7 mar 1998' into '1998-03-07' with an encoder and a decoder."""

import random

import torch
import torch.nn as nn

torch.manual_seed(64)
random.seed(64)
torch.set_num_threads(1)

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
CHARS = "\0^ -0123456789" + "".join(sorted(set("".join(MONTHS))))
HIDDEN = 48


def encode(strings, width):
    return torch.tensor([[CHARS.index(c) for c in s.ljust(width, "\0")] for s in strings])


def make_batch(n=24):
    sources, targets = [], []
    for _ in range(n):
        day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(1990, 2009)
        sources.append(f"{day} {MONTHS[month - 1]} {year}")
        targets.append(f"^{year}-{month:02d}-{day:02d}")
    return encode(sources, 11), encode(targets, 11)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(CHARS), 16)
        self.gru = nn.GRU(16, HIDDEN, batch_first=True)

    def forward(self, x):
        return self.gru(self.embedding(x))[1]


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(CHARS), 16)
        self.gru = nn.GRU(16, HIDDEN, batch_first=True)

    def forward(self, x, hidden):
        return self.gru(self.embedding(x), hidden)[0]


encoder, decoder, project = Encoder(), Decoder(), nn.Linear(HIDDEN, len(CHARS))
optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=5e-3)  # HERE
criterion = nn.CrossEntropyLoss()
mean = None
for step in range(161):
    source, target = make_batch()
    optimizer.zero_grad()
    hidden = encoder(source)
    scores = project(decoder(target[:, :-1], hidden))
    loss = criterion(scores.transpose(1, 2), target[:, 1:])
    loss.backward()
    optimizer.step()
    mean = loss.item() if mean is None else 0.9 * mean + 0.1 * loss.item()
    if step % 40 == 0:
        print(f"{step:4d}  {mean:.4f}")
