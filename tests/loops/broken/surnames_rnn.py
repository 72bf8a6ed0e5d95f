# FAULT: no-log-softmax
# ruff: noqa: ERA001
"""Guess the origin of a surname from its letters; one name per update, an RNN cell after the tutorial."""

import random

import torch
import torch.nn as nn

torch.manual_seed(16)
random.seed(16)
torch.set_num_threads(1)

SUFFIXES = {
    "Swedish": ["sson", "qvist", "berg"],
    "Basque": ["etxea", "iturri", "zabal"],
    "Welsh": ["ydd", "wyn", "ffyn"],
}
ORIGINS = list(SUFFIXES)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def random_example():
    origin = random.choice(ORIGINS)
    start = random.choice("bdghjklmnprst") + random.choice("aeiou") + random.choice("lmnrst")
    name = start + random.choice(SUFFIXES[origin])
    line = torch.zeros(len(name), 1, len(LETTERS))
    for i, letter in enumerate(name):
        line[i, 0, LETTERS.index(letter)] = 1
    return torch.tensor([ORIGINS.index(origin)]), line


class NameRNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.cell = nn.RNNCell(input_size, hidden_size)
        self.output = nn.Linear(hidden_size, output_size)

    def forward(self, line):
        hidden = torch.zeros(1, self.hidden_size)
        for letter in line:
            hidden = self.cell(letter, hidden)
        return self.output(hidden)


rnn = NameRNN(len(LETTERS), 32, len(ORIGINS))
criterion = nn.NLLLoss()
optimizer = torch.optim.SGD(rnn.parameters(), lr=0.005)

total, hits = 0.0, 0
for n in range(1, 601):
    origin, line = random_example()
    output = rnn(line)
    loss = criterion(output, origin)  # HERE
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    total += loss.item()
    hits += int(output.argmax(1).eq(origin).item())
    if n % 200 == 0:
        print(f"{n}: loss {total / 200:.4f}, right {hits / 200:.0%}")
        total, hits = 0.0, 0
