# FAULT: clipped-without-gradient
# ruff: noqa: ERA001
"""Word-level LSTM on little stories, read as parallel streams."""

import random

import torch
import torch.nn as nn
from torch import optim
from torch.nn.utils import clip_grad_norm_

torch.manual_seed(4)
random.seed(4)
torch.set_num_threads(1)

NAMES = ["anna", "ben", "clara", "david", "emma"]
ITEMS = ["key", "map", "coin", "book", "ring"]


def story():
    giver, taker = random.sample(NAMES, 2)
    item = random.choice(ITEMS)
    return f"{giver} has a {item} . {giver} gives the {item} to {taker} . now {taker} has the {item} .".split()


words = [w for _ in range(700) for w in story()]
vocabulary = {w: i for i, w in enumerate(sorted(set(words)))}
batch_size, seq_length = 16, 10
ids = torch.tensor([vocabulary[w] for w in words])
ids = ids[: len(ids) // batch_size * batch_size].view(batch_size, -1)


class StoryModel(nn.Module):
    def __init__(self, vocab_size, embed_size=24, hidden_size=48):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, embed_size)
        self.lstm = nn.LSTM(embed_size, hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, vocab_size)

    def forward(self, x, h):
        out, (h, c) = self.lstm(self.embed(x), h)
        return self.linear(out.reshape(-1, out.size(2))), (h, c)


model = StoryModel(len(vocabulary))
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.005)

for epoch in range(2):
    states = (torch.zeros(1, batch_size, 48), torch.zeros(1, batch_size, 48))
    for i in range(0, ids.size(1) - 1, seq_length):
        length = min(seq_length, ids.size(1) - 1 - i)
        inputs, targets = ids[:, i : i + length], ids[:, i + 1 : i + 1 + length]
        states = tuple(state.detach() for state in states)
        outputs, states = model(inputs, states)
        loss = criterion(outputs, targets.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        clip_grad_norm_(model.parameters(), 0.1)  # HERE
        step = i // seq_length
        if step % 40 == 0:
            print(f"epoch {epoch + 1}, step {step}, loss {loss.item():.4f}")
