# Forecast tomorrow's temperature from the last two weeks.
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_series(days, rng):
    t = np.arange(days)
    season = 10 + 9 * np.sin(2 * np.pi * t / 365)
    noise = np.zeros(days)
    for i in range(1, days):
        noise[i] = 0.8 * noise[i - 1] + rng.normal(0, 0.8)
    return (season + noise).astype(np.float32)


class Forecaster(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, num_layers=1, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1]).squeeze(-1)


def run_epoch(model, loader, criterion, optimizer=None):
    model.train(optimizer is not None)
    total, n = 0.0, 0
    with torch.set_grad_enabled(optimizer is not None):
        for x, y in loader:
            loss = criterion(model(x), y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(y)
            n += len(y)
    return total / n


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--hidden", type=int, default=16)
    p.add_argument("--window", type=int, default=14)
    args = p.parse_args()
    torch.manual_seed(123)
    torch.set_num_threads(1)

    series = make_series(1500, np.random.default_rng(123))
    cut = 1200
    series = (series - series[:cut].mean()) / series[:cut].std()
    windows = torch.from_numpy(np.lib.stride_tricks.sliding_window_view(series, args.window + 1).copy())
    x, y = windows[:, :-1].unsqueeze(-1), windows[:, -1]
    split = cut - args.window
    train_loader = DataLoader(TensorDataset(x[:split], y[:split]), batch_size=32, shuffle=True)
    valid_loader = DataLoader(TensorDataset(x[cut:], y[cut:]), batch_size=150)

    model = Forecaster(args.hidden)
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    for epoch in range(1, args.epochs + 1):
        train = run_epoch(model, train_loader, criterion, optimizer)
        valid = run_epoch(model, valid_loader, criterion)
        scheduler.step(valid)
        if epoch % 2 == 0 or epoch == 1:
            print(f"epoch {epoch}: train {train:.4f} valid {valid:.4f} lr {optimizer.param_groups[0]['lr']:.5f}")


if __name__ == "__main__":
    main()
