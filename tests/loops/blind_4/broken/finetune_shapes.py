# FAULT: other-parameters
"""Pretrain a small net on six signal families, then fine-tune it for three new ones."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(2024)
torch.set_num_threads(1)

T = torch.linspace(0, 1, 48)


def signal(kind, n):
    f = (2 + 3 * torch.rand(n, 1))
    p = torch.rand(n, 1)
    ph = (f * T + p) % 1.0
    waves = [
        lambda: torch.sin(2 * math.pi * ph), lambda: (ph < 0.5).float() * 2 - 1, lambda: 2 * ph - 1,
        lambda: 1 - 4 * (ph - 0.5).abs(), lambda: (ph < 0.15).float() * 2 - 1, lambda: torch.sin(2 * math.pi * ph).abs() * 2 - 1,
        lambda: 1 - 2 * ph, lambda: torch.sin(2 * math.pi * ph) ** 3, lambda: torch.exp(-8 * ph) * 2 - 1,
    ]
    return waves[kind]() + 0.1 * torch.randn(n, len(T))


def make(kinds, n):
    x = torch.cat([signal(k, n) for k in kinds]).unsqueeze(1)
    y = torch.arange(len(kinds)).repeat_interleave(n)
    return x, y


class SignalNet(nn.Module):
    def __init__(self, n_class):
        super().__init__()
        self.backbone = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveMaxPool1d(2), nn.Flatten())
        self.head = nn.Linear(64, n_class)

    def forward(self, x):
        return self.head(self.backbone(x))


def run(model, optimizer, data, epochs, tag):
    x, y = data
    for epoch in range(1, epochs + 1):
        total, hit = 0.0, 0
        for idx in torch.randperm(len(x)).split(30):
            out = model(x[idx])
            loss = F.cross_entropy(out, y[idx])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
            hit += (out.argmax(1) == y[idx]).sum().item()
        print(f"{tag} epoch {epoch}: loss {total / len(x):.3f} acc {hit / len(x):.3f}")


model = SignalNet(6)
run(model, torch.optim.Adam(model.parameters(), lr=2e-3), make(range(6), 150), 6, "pretrain")

for p in model.backbone.parameters():
    p.requires_grad = False
optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-2)  # HERE
model.head = nn.Linear(64, 3)
run(model, optimizer, make([6, 7, 8], 150), 12, "finetune")
