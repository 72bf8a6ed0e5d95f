# FAULT: rate-gone
from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainConfig:
    widths: list[int] = field(default_factory=lambda: [2, 64, 64, 3])
    lr: float = 1e-2
    lr_step_epochs: int = 20
    lr_gamma: float = 0.5
    batch_size: int = 64
    epochs: int = 60
    seed: int = 0


def spirals(n_per_arm: int, arms: int, gen: torch.Generator) -> TensorDataset:
    xs, ys = [], []
    for a in range(arms):
        r = torch.linspace(0.1, 1.0, n_per_arm)
        ang = 4.2 * r + a * 2 * math.pi / arms + 0.15 * torch.randn(n_per_arm, generator=gen)
        xs.append(torch.stack([r * ang.cos(), r * ang.sin()], dim=1))
        ys.append(torch.full((n_per_arm,), a))
    return TensorDataset(torch.cat(xs), torch.cat(ys))


def build_mlp(widths: list[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in zip(widths, widths[1:]):
        layers += [nn.Linear(a, b), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def evaluate(model: nn.Module, ds: TensorDataset) -> float:
    x, y = ds.tensors
    return (model(x).argmax(1) == y).float().mean().item()


def train(cfg: TrainConfig) -> None:
    torch.manual_seed(cfg.seed)
    gen = torch.Generator().manual_seed(cfg.seed + 1)
    train_ds, test_ds = spirals(300, 3, gen), spirals(150, 3, gen)
    loader = DataLoader(train_ds, batch_size=cfg.batch_size, shuffle=True)
    model = build_mlp(cfg.widths)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    scheduler = StepLR(optimizer, step_size=cfg.lr_step_epochs, gamma=cfg.lr_gamma)
    criterion = nn.CrossEntropyLoss()

    for epoch in range(1, cfg.epochs + 1):
        total = 0.0
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()  # HERE
            total += loss.item() * len(xb)
        if epoch % 10 == 0:
            print(f"epoch {epoch:>3}  loss {total / len(train_ds):.4f}  test acc {evaluate(model, test_ds):.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(TrainConfig())
