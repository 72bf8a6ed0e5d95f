# FAULT: same-batch
import logging

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(level=logging.INFO, format="%(message)s")
log = logging.getLogger("concrete")


def mixture_data(n: int, generator: torch.Generator):
    """cement, water, ash, age -> compressive strength (made up, but looks like the UCI set)"""
    raw = torch.rand(n, 4, generator=generator)
    cement, water, ash, age = raw.unbind(1)
    strength = 40 * cement / (0.4 + water) + 8 * torch.log1p(10 * age) - 6 * (ash - 0.4) ** 2 + 5 * torch.sin(6 * cement * age)
    strength = strength + torch.randn(n, generator=generator)
    return raw, strength


class Regressor(nn.Module):
    def __init__(self, d_in: int, d_hidden: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(d_in, d_hidden), nn.ReLU(),
            nn.Linear(d_hidden, d_hidden), nn.ReLU(),
            nn.Linear(d_hidden, 1),
        )

    def forward(self, x):
        return self.body(x).squeeze(-1)


class Experiment:
    def __init__(self, steps: int = 2000, batch_size: int = 32, lr: float = 2e-3):
        gen = torch.Generator().manual_seed(3)
        x, y = mixture_data(1024, gen)
        self.x_mean, self.x_std = x.mean(0), x.std(0)
        self.y_mean, self.y_std = y.mean(), y.std()
        self.train_set = TensorDataset((x - self.x_mean) / self.x_std, (y - self.y_mean) / self.y_std)
        xt, yt = mixture_data(400, gen)
        self.x_test, self.y_test = (xt - self.x_mean) / self.x_std, yt
        self.loader = DataLoader(self.train_set, batch_size=batch_size)
        self.model = Regressor(4, 48)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.steps = steps

    def test_rmse(self) -> float:
        with torch.no_grad():
            pred = self.model(self.x_test) * self.y_std + self.y_mean
            return (pred - self.y_test).pow(2).mean().sqrt().item()

    def run(self) -> None:
        for step in range(1, self.steps + 1):
            x, y = next(iter(self.loader))  # HERE
            loss = nn.functional.mse_loss(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            if step % 250 == 0:
                log.info("step %4d  train loss %.4f  test rmse %.2f MPa", step, loss.item(), self.test_rmse())


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(3)
    Experiment().run()
