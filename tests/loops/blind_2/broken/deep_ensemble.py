# FAULT: layer-repeated
"""Deep ensemble for regression with uncertainty (bagging)."""
from dataclasses import dataclass, field

import torch
import torch.nn as nn


@dataclass
class Config:
    members: int = 5
    hidden: int = 50
    lr: float = 5e-3
    steps: int = 250
    batch: int = 32
    seed: int = 17


def target(x):
    return torch.sin(3 * x) + 0.3 * x


def dataset(n):
    x = torch.cat([torch.rand(n // 2, 1) * 1.5 - 2.5, torch.rand(n - n // 2, 1) * 1.5 + 0.5])
    return x, target(x) + 0.1 * torch.randn_like(x)


class Regressor(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, x):
        return self.net(x)


@dataclass
class Ensemble:
    cfg: Config
    models: list = field(default_factory=list)
    optims: list = field(default_factory=list)

    def build(self):
        self.models = [Regressor(self.cfg.hidden)] * self.cfg.members  # HERE
        self.optims = [torch.optim.Adam(m.parameters(), lr=self.cfg.lr) for m in self.models]
        return self

    def train(self, x, y):
        bags = [torch.randint(0, len(x), (len(x),)) for _ in self.models]
        for step in range(self.cfg.steps):
            losses = []
            for model, opt, bag in zip(self.models, self.optims, bags):
                pick = bag[torch.randint(0, len(bag), (self.cfg.batch,))]
                loss = nn.functional.mse_loss(model(x[pick]), y[pick])
                opt.zero_grad()
                loss.backward()
                opt.step()
                losses.append(loss.item())
            if step % 25 == 0:
                print(f"{step:4d}", " ".join(f"{l:.4f}" for l in losses))

    @torch.no_grad()
    def predict(self, x):
        out = torch.stack([m(x) for m in self.models])
        return out.mean(0), out.std(0)


if __name__ == "__main__":
    torch.set_num_threads(1)
    cfg = Config()
    torch.manual_seed(cfg.seed)
    x, y = dataset(200)
    ens = Ensemble(cfg).build()
    ens.train(x, y)
    grid = torch.linspace(-3, 3, 7).unsqueeze(1)
    mean, std = ens.predict(grid)
    for g, m, s in zip(grid, mean, std):
        print(f"x={g.item():+.1f} true={target(g).item():+.3f} mean={m.item():+.3f} std={s.item():.4f}")
