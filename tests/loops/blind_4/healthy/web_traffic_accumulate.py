"""Forecast page views; memory is tight, so four micro-batches make one step."""
from dataclasses import dataclass
import math
import torch
from torch import nn


@dataclass
class Settings:
    micro: int = 8
    accum: int = 4
    epochs: int = 13
    history: int = 21
    hidden: int = 32
    lr: float = 4e-3


def pages(n, length):
    t = torch.arange(length).float()
    level = 3 + torch.randn(n, 1)
    weekly = torch.rand(n, 1) * torch.sin(2 * math.pi * t / 7 + 6.28 * torch.rand(n, 1))
    trend = 0.01 * torch.randn(n, 1) * t
    return level + weekly + trend + 0.1 * torch.randn(n, length)


class TrafficGRU(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        mean = x.mean(1, keepdim=True)
        std = x.std(1, keepdim=True) + 1e-3
        z = ((x - mean) / std).unsqueeze(-1)
        out, _ = self.gru(z)
        return self.head(out[:, -1]).squeeze(-1) * std.squeeze(1) + mean.squeeze(1)


def main(cfg=Settings()):
    torch.manual_seed(19)
    torch.set_num_threads(1)
    data = pages(500, cfg.history + 1)
    x, y = data[:, :-1], data[:, -1]
    xt, yt, xv, yv = x[:420], y[:420], x[420:], y[420:]
    naive = (xv[:, -7] - yv).abs().mean().item()
    model = TrafficGRU(cfg.hidden)
    opt = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=1e-3)
    updates = 0
    for epoch in range(cfg.epochs):
        model.train()
        chunks = torch.randperm(len(xt)).split(cfg.micro)
        total = 0.0
        opt.zero_grad()
        for k, idx in enumerate(chunks, 1):
            group_start = (k - 1) // cfg.accum * cfg.accum
            group = min(cfg.accum, len(chunks) - group_start)
            loss = nn.functional.smooth_l1_loss(model(xt[idx]), yt[idx]) / group
            loss.backward()
            total += loss.item() * group
            if k % cfg.accum == 0 or k == len(chunks):
                nn.utils.clip_grad_value_(model.parameters(), 0.5)
                opt.step()
                opt.zero_grad()
                updates += 1
        model.eval()
        with torch.no_grad():
            mae = (model(xv) - yv).abs().mean().item()
        print(f"epoch {epoch:2d} updates {updates} train {total / len(chunks):.4f} val mae {mae:.3f} (seasonal naive {naive:.3f})")


if __name__ == "__main__":
    main()
