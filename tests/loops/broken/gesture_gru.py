# FAULT: batch-taken-for-time
"""Classify gestures, given as tracks of (x, y) over 20 moments, with a GRU."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

KINDS = ("circle", "line", "zigzag")


def gestures(n, moments=20):
    kind = torch.randint(0, len(KINDS), (n,))
    t = torch.linspace(0, 1, moments).expand(n, moments)
    turn = 2 * math.pi * (t + torch.rand(n, 1))
    direction = 2 * math.pi * torch.rand(n, 1)
    circle = torch.stack([turn.cos(), turn.sin()], -1)
    line = torch.stack([t * direction.cos(), t * direction.sin()], -1) * 2 - 1
    zigzag = torch.stack([t * 2 - 1, torch.sign(torch.sin(3 * turn))], -1)
    tracks = torch.stack([circle, line, zigzag])[kind, torch.arange(n)]
    return tracks + 0.1 * torch.randn(n, moments, 2), kind


class GestureNet(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(input_size=2, hidden_size=hidden)  # HERE
        self.fc = nn.Linear(hidden, len(KINDS))

    def forward(self, x):  # x: batch, moments, coordinates
        out, _ = self.gru(x)
        return self.fc(out[:, -1])


def accuracy(model, loader):
    model.eval()
    hits = total = 0
    with torch.no_grad():
        for x, y in loader:
            hits += (model(x).argmax(1) == y).sum().item()
            total += len(y)
    return hits / total


def main():
    torch.manual_seed(2024)
    torch.set_num_threads(1)
    train_loader = DataLoader(TensorDataset(*gestures(640)), batch_size=16, shuffle=True)
    test_loader = DataLoader(TensorDataset(*gestures(160)), batch_size=16)
    model = GestureNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(1, 5):
        model.train()
        total = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        print(f"epoch {epoch}: loss {total / len(train_loader):.4f}, test accuracy {accuracy(model, test_loader):.1%}")


if __name__ == "__main__":
    main()
