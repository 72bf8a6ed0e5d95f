# FAULT: learning-rate-too-high
# ruff: noqa: ERA001
"""Is a string of brackets balanced? An LSTM classifier."""

import random

import torch
from torch import nn

torch.manual_seed(50)
random.seed(50)
torch.set_num_threads(1)

LENGTH = 12


def balanced(n):
    """A balanced string of n pairs."""
    text, opened, to_open = "", 0, n
    while to_open or opened:
        if to_open and (opened == 0 or random.random() < 0.5):
            text, opened, to_open = text + "(", opened + 1, to_open - 1
        else:
            text, opened = text + ")", opened - 1
    return text


def example():
    text, label = balanced(LENGTH // 2), random.randint(0, 1)
    if label == 0:
        i = random.randrange(LENGTH)
        text = text[:i] + ("(" if text[i] == ")" else ")") + text[i + 1 :]
    return [float(c == "(") * 2 - 1 for c in text], label


class BracketNet(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, x):
        out, _ = self.lstm(x.unsqueeze(-1))
        return self.fc(out[:, -1])


def get_batch(n=32):
    texts, labels = zip(*(example() for _ in range(n)), strict=True)
    return torch.tensor(texts), torch.tensor(labels)


net = BracketNet()
optimizer = torch.optim.Adam(net.parameters(), lr=1.0)  # HERE
criterion = nn.CrossEntropyLoss()
recent = []
for it in range(1, 201):
    x, y = get_batch()
    loss = criterion(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    recent.append(loss.item())
    if it % 40 == 0:
        print(f"iteration {it}: mean {sum(recent) / len(recent):.3f}, worst {max(recent):.3f}")
        recent = []
