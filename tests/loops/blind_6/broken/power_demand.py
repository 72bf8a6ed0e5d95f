# FAULT: gradients-not-zeroed
"""GRU that predicts tomorrow's power demand from the last two weeks.

Data: synthetic daily demand of a small town (weekly pattern, temperature, trend).
"""
import math
import random
import statistics

import torch
from torch import nn

torch.set_num_threads(1)


def simulate(days, seed):
    rng = random.Random(seed)
    weekly = [1.0, 1.05, 1.04, 1.02, 0.97, 0.75, 0.68]
    temp_noise = 0.0
    rows = []
    for d in range(days):
        temp_noise = 0.8 * temp_noise + rng.gauss(0, 2.0)
        temp = 12 + 10 * math.sin(2 * math.pi * (d - 100) / 365) + temp_noise
        demand = 100 * weekly[d % 7] + 1.5 * max(0, 16 - temp) + rng.gauss(0, 1.0)
        rows.append((demand, temp))
    return rows


def prepare(rows, history=14, train_share=0.8):
    t = torch.tensor(rows)
    n_train = int(len(rows) * train_share)
    mean, std = t[:n_train].mean(0), t[:n_train].std(0)
    z = (t - mean) / std
    xs = torch.stack([z[i:i + history] for i in range(len(rows) - history)])
    ys = z[history:, 0]
    cut = n_train - history
    return (xs[:cut], ys[:cut]), (xs[cut:], ys[cut:]), std[0].item()


class DemandGRU(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(input_size=2, hidden_size=hidden, batch_first=True)
        self.readout = nn.Sequential(nn.Linear(hidden, 16), nn.Tanh(), nn.Linear(16, 1))

    def forward(self, x):
        _, h = self.gru(x)
        return self.readout(h[-1]).squeeze(-1)


def fit(model, train, test, scale, epochs=15, batch_size=32):
    x, y = train
    opt = torch.optim.Adam(model.parameters(), lr=0.003)
    loss_fn = nn.MSELoss()
    for epoch in range(epochs):
        model.train()
        opt.zero_grad()  # HERE
        losses = []
        for idx in torch.randperm(len(x)).split(batch_size):
            loss = loss_fn(model(x[idx]), y[idx])
            loss.backward()
            opt.step()
            losses.append(loss.item())
        model.eval()
        with torch.no_grad():
            mae = (model(test[0]) - test[1]).abs().mean().item() * scale
        print(f"epoch {epoch:>2}: train mse {statistics.mean(losses):.4f}   test MAE {mae:.2f} MWh")


if __name__ == "__main__":
    torch.manual_seed(5)
    train, test, scale = prepare(simulate(1460, seed=5))
    print(f"{len(train[0])} training windows, {len(test[0])} test windows")
    fit(DemandGRU(), train, test, scale)
