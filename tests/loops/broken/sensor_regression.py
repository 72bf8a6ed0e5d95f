# FAULT: validation-in-train-mode
"""Predict a machine's temperature from eight sensors, with batch normalisation and dropout."""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def build_model(hidden, dropout):
    return nn.Sequential(
        nn.Linear(8, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, 1),
    )


def train_one_epoch(model, loader, optimizer, criterion):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x).squeeze(1), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def validate(model, loader, criterion):
    total = 0.0
    with torch.no_grad():
        for x, y in loader:
            total += criterion(model(x).squeeze(1), y).item()
    return total / len(loader)


def main():
    parser = argparse.ArgumentParser(description="sensors to temperature")
    parser.add_argument("--hidden", type=int, default=48)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(1)
    sensors = torch.randn(1500, 8)
    temperature = sensors[:, 0] * sensors[:, 1] + sensors[:, 2].abs() + 0.5 * sensors[:, 3] + 0.1 * torch.randn(1500)
    train_set, valid_set = random_split(TensorDataset(sensors, temperature), [1200, 300])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    valid_loader = DataLoader(valid_set, batch_size=100)

    model = build_model(args.hidden, args.dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    criterion = nn.MSELoss()
    for epoch in range(1, args.epochs + 1):
        train_loss = train_one_epoch(model, train_loader, optimizer, criterion)
        valid_loss = validate(model, valid_loader, criterion)
        print(f"epoch {epoch}: train {train_loss:.4f}, valid {valid_loss:.4f}")


if __name__ == "__main__":
    main()
