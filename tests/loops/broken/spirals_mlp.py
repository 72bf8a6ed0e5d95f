# FAULT: gradients-not-zeroed
"""Classify points of four spirals with an MLP."""

import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(100)
torch.set_num_threads(1)


def spirals(per_class=300, classes=4):
    points, labels = [], []
    for k in range(classes):
        r = torch.linspace(0.1, 1, per_class)
        angle = 2 * math.pi * k / classes + 3 * r + 0.15 * torch.randn(per_class)
        points.append(torch.stack([r * angle.cos(), r * angle.sin()], dim=1))
        labels.append(torch.full((per_class,), k))
    return torch.cat(points), torch.cat(labels)


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))

    def forward(self, x):
        return self.net(x)


def train(model, loader, criterion, optimizer):
    model.train()
    running_loss = 0.0
    for x, y in loader:
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    return running_loss / len(loader)


loader = DataLoader(TensorDataset(*spirals()), batch_size=40, shuffle=True)
model = MLP()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for epoch in range(1, 9):
    loss = train(model, loader, criterion, optimizer)
    if epoch % 2 == 0:
        print(f"Epoch {epoch}: loss {loss:.4f}")
