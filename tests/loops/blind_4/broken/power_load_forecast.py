# FAULT: broadcast
"""Next-hour load forecast for a small office building."""
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Config:
    lookback: int = 24
    hidden: int = 32
    epochs: int = 10
    batch_size: int = 48
    lr: float = 3e-3
    seed: int = 42


def build_series(hours, rng):
    t = np.arange(hours)
    day = np.sin(2 * math.pi * t / 24)
    week = 0.5 * np.sin(2 * math.pi * t / 168)
    walk = np.cumsum(rng.normal(0, 0.05, hours))
    walk -= np.linspace(walk[0], walk[-1], hours)
    load = 60 + 20 * day + 8 * week + 3 * walk + rng.normal(0, 1.0, hours)
    return (load - load.mean()) / load.std()


class LoadLSTM(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


def make_windows(series, lookback):
    xs = np.stack([series[i:i + lookback] for i in range(len(series) - lookback)])
    ys = series[lookback:]
    return torch.tensor(xs, dtype=torch.float32).unsqueeze(-1), torch.tensor(ys, dtype=torch.float32)


def fit(cfg):
    torch.manual_seed(cfg.seed)
    torch.set_num_threads(1)
    rng = np.random.default_rng(cfg.seed)
    x, y = make_windows(build_series(1500, rng), cfg.lookback)
    split = int(0.8 * len(x))
    model = LoadLSTM(cfg.hidden)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    criterion = nn.MSELoss()
    for epoch in range(cfg.epochs):
        model.train()
        order = torch.randperm(split)
        losses = []
        for b in order.split(cfg.batch_size):
            optimizer.zero_grad()
            pred = model(x[b])
            loss = criterion(pred, y[b])  # HERE
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            p = model(x[split:]).squeeze(1)
            mae = (p - y[split:]).abs().mean().item()
        print(f"epoch {epoch:02d} train mse {np.mean(losses):.4f} val mae {mae:.4f}")


if __name__ == "__main__":
    fit(Config())
