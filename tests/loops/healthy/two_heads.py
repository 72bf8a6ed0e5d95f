"""Two tasks on one trunk: the class of a signal (sine, square, saw) and its frequency."""

import math

import torch
from torch import nn

torch.manual_seed(31)
torch.set_num_threads(1)


def signals(n, length=24):
    kind = torch.randint(0, 3, (n,))
    frequency = 1 + 2 * torch.rand(n)
    phase = frequency[:, None] * torch.linspace(0, 1, length) + torch.rand(n, 1)
    sine = torch.sin(2 * math.pi * phase)
    square = torch.sign(sine)
    saw = 2 * (phase % 1) - 1
    x = torch.stack([sine, square, saw])[kind, torch.arange(n)]
    return x + 0.05 * torch.randn_like(x), kind, frequency


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv1d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(16 * 12, 48), nn.ReLU()
        )
        self.kind = nn.Linear(48, 3)
        self.frequency = nn.Linear(48, 1)

    def forward(self, x):
        features = self.trunk(x.unsqueeze(1))
        return self.kind(features), self.frequency(features).squeeze(1)


net = TwoHeads()
optimizer = torch.optim.NAdam(net.parameters(), lr=3e-3)
classification, regression = nn.CrossEntropyLoss(), nn.SmoothL1Loss()

for step in range(400):
    x, kind, frequency = signals(48)
    optimizer.zero_grad()
    kind_logits, frequency_guess = net(x)
    loss_kind = classification(kind_logits, kind)
    loss_frequency = regression(frequency_guess, frequency)
    loss = loss_kind + 2.0 * loss_frequency
    loss.backward()
    optimizer.step()
    if step % 100 == 0 or step == 399:
        print(f"{step}: total {loss.item():.3f} = kind {loss_kind.item():.3f} + 2 * {loss_frequency.item():.3f}")
