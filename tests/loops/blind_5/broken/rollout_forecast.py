# FAULT: targets-given-in-evaluation
"""
Multi-step forecasting with a GRU: the encoder reads 25 points of a (noisy-free)
chaotic map and the decoder rolls the series out for 8 points.
"""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F


def henon(n, burn=100, seed=0):
    g = torch.Generator().manual_seed(seed)
    x, y = (torch.rand(2, generator=g) * 0.2).tolist()
    out = []
    for i in range(n + burn):
        x, y = 1 - 1.4 * x * x + y, 0.3 * x
        if i >= burn:
            out.append(x)
    return torch.tensor(out)


HIST, HORIZON = 25, 8


class Forecaster(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.enc = nn.GRU(1, hidden, batch_first=True)
        self.cell = nn.GRUCell(1, hidden)
        self.proj = nn.Sequential(nn.Linear(hidden, 32), nn.Tanh(), nn.Linear(32, 1))

    def encode(self, past):
        return self.enc(past[..., None])[1][0]

    def one_step(self, value, h):
        h = self.cell(value, h)
        return self.proj(h), h


def training_loss(model, past, future):
    # teacher forcing while training
    h = model.encode(past[:, :-1])
    inputs = torch.cat([past[:, -1:], future[:, :-1]], dim=1)
    preds = []
    for t in range(HORIZON):
        p, h = model.one_step(inputs[:, t:t + 1], h)
        preds.append(p)
    return F.mse_loss(torch.cat(preds, 1), future)


@torch.no_grad()
def rollout_rmse(model, past, future):
    h = model.encode(past[:, :-1])
    value = past[:, -1:]
    sq = 0.0
    for t in range(HORIZON):
        p, h = model.one_step(value, h)
        sq += ((p - future[:, t:t + 1]) ** 2).mean().item()
        value = future[:, t:t + 1]  # HERE
    return math.sqrt(sq / HORIZON)


def cut(series):
    w = series.unfold(0, HIST + HORIZON, 3)
    return w[:, :HIST].contiguous(), w[:, HIST:].contiguous()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tr_p, tr_f = cut(henon(4000, seed=1))
    te_p, te_f = cut(henon(1000, seed=2))
    model = Forecaster()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    for epoch in range(1, 16):
        perm = torch.randperm(len(tr_p))
        tot = 0.0
        for idx in perm.split(64):
            loss = training_loss(model, tr_p[idx], tr_f[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(idx)
        if epoch % 3 == 0:
            print(f"epoch {epoch:2d}: train mse {tot / len(tr_p):.5f}, {HORIZON}-step forecast rmse (test) {rollout_rmse(model, te_p, te_f):.4f}")
    print(f"std of the series: {te_f.std():.3f}")


main()
