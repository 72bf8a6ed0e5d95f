#!/usr/bin/env python
"""Day-ahead load forecasting + event detection with a GRU.

Windows are shuffled and independent, so the GRU starts from zeros on every window.
The two task losses are combined with learned homoscedastic uncertainty
(Kendall, Gal & Cipolla 2018), hence the objective can (and does) become negative.
"""
from __future__ import annotations

import argparse
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    past: int = 48
    horizon: int = 12
    hidden: int = 40
    batch: int = 48
    epochs: int = 8
    max_lr: float = 8e-3
    seed: int = 3


def synth_station(hours: int, g: torch.Generator, noise: float = 0.08) -> tuple[Tensor, Tensor]:
    """Hourly load, plus a 0/1 flag 'a machine is running' which lifts the load with ripple."""
    t = torch.arange(hours, dtype=torch.float32)
    ph = torch.rand(2, generator=g) * 6.28
    base = 3.0 + torch.sin(2 * torch.pi * t / 24 + ph[0]) + 0.4 * torch.sin(2 * torch.pi * t / 168 + ph[1])
    event = torch.zeros(hours)
    pos = 0
    while pos < hours:
        pos += int(torch.randint(20, 60, (1,), generator=g))
        length = int(torch.randint(10, 40, (1,), generator=g))
        event[pos : pos + length] = 1.0
        pos += length
    ripple = 0.25 * torch.where(t % 2 == 0, 1.0, -1.0)
    load = base + event * (0.5 + ripple) + noise * torch.randn(hours, generator=g)
    return load, event


class WindowSet(Dataset):
    def __init__(self, load: Tensor, event: Tensor, cfg: Config, mean: float, std: float):
        self.z = (load - mean) / std
        self.e, self.cfg = event, cfg

    def __len__(self) -> int:
        return len(self.z) - self.cfg.past - self.cfg.horizon + 1

    def __getitem__(self, i: int):
        m = i + self.cfg.past
        # forecast is expressed relative to the same hours of the previous day
        ref = self.z[m - 24 : m - 24 + self.cfg.horizon]
        fut = self.z[m : m + self.cfg.horizon]
        return self.z[i:m, None], ref, fut, self.e[m - 1]


class Forecaster(nn.Module):
    def __init__(self, cfg: Config):
        super().__init__()
        self.gru = nn.GRU(1, cfg.hidden, batch_first=True)
        self.reg = nn.Linear(cfg.hidden, cfg.horizon)
        self.cls = nn.Linear(cfg.hidden, 1)
        self.log_var = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor, ref: Tensor):
        _, h = self.gru(x)
        h = h.squeeze(0)
        return ref + self.reg(h), self.cls(h).squeeze(-1)

    def objective(self, x, ref, fut, ev):
        yhat, logit = self(x, ref)
        mse = nn.functional.mse_loss(yhat, fut)
        bce = nn.functional.binary_cross_entropy_with_logits(logit, ev)
        s = self.log_var
        total = 0.5 * torch.exp(-s[0]) * mse + 0.5 * s[0] + torch.exp(-s[1]) * bce + 0.5 * s[1]
        return total, mse, bce


@torch.inference_mode()
def assess(model: Forecaster, loader: DataLoader) -> dict[str, float]:
    model.eval()
    n = se = naive = hit = 0.0
    for x, ref, fut, ev in loader:
        yhat, logit = model(x, ref)
        se += (yhat - fut).square().mean(1).sum().item()
        naive += (ref - fut).square().mean(1).sum().item()
        hit += ((logit > 0) == (ev > 0.5)).sum().item()
        n += len(x)
    model.train()
    return {"mse": se / n, "naive": naive / n, "event_acc": hit / n}


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=Config.epochs)
    p.add_argument("--seed", type=int, default=Config.seed)
    a = p.parse_args()
    cfg = Config(epochs=a.epochs, seed=a.seed)
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    g = torch.Generator().manual_seed(100 + cfg.seed)

    load, event = synth_station(3600, g)
    cut = 2800
    mean, std = load[:cut].mean().item(), load[:cut].std().item()  # statistics of the train part only

    def mk(l, e):
        return WindowSet(l, e, cfg, mean, std)

    train = mk(load[:cut], event[:cut])
    held_out = {
        "same station, later": mk(load[cut:], event[cut:]),
        "other station": mk(*synth_station(800, g)),
        "noisier meter": mk(*synth_station(800, g, noise=0.2)),
    }
    dl = DataLoader(train, batch_size=cfg.batch, shuffle=True, drop_last=True)
    evals = {k: DataLoader(v, batch_size=256) for k, v in held_out.items()}

    model = Forecaster(cfg)
    decay = [q for n, q in model.named_parameters() if n != "log_var"]
    opt = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 1e-3}, {"params": [model.log_var], "weight_decay": 0.0}], lr=cfg.max_lr
    )
    sched = torch.optim.lr_scheduler.OneCycleLR(
        opt, max_lr=[cfg.max_lr, 2 * cfg.max_lr], total_steps=cfg.epochs * len(dl), pct_start=0.25
    )

    print("initial :", {k: {m: round(v, 3) for m, v in assess(model, d).items()} for k, d in evals.items()})
    for ep in range(cfg.epochs):
        acc = torch.zeros(3)
        for batch in dl:
            total, mse, bce = model.objective(*batch)
            opt.zero_grad(set_to_none=True)
            total.backward()
            nn.utils.clip_grad_norm_(decay, 1.0)
            opt.step()
            sched.step()
            acc += torch.stack([total, mse, bce]).detach()
        acc /= len(dl)
        sig = torch.exp(0.5 * model.log_var).tolist()
        print(
            f"ep {ep:2d} objective {acc[0]:+.3f}  mse {acc[1]:.4f}  bce {acc[2]:.3f}  "
            f"sigmas {sig[0]:.2f}/{sig[1]:.2f}  lr {sched.get_last_lr()[0]:.2e}"
        )
    for k, d in evals.items():
        r = assess(model, d)
        print(f"{k:22s} mse {r['mse']:.4f} (seasonal naive {r['naive']:.4f})  event accuracy {r['event_acc']:.3f}")


if __name__ == "__main__":
    main()
