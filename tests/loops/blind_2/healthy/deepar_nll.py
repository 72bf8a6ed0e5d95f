"""DeepAR-like probabilistic forecasting: the loss is the negative log-likelihood of a density and becomes negative."""
import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class Normal(NamedTuple):
    mean: Tensor
    scale: Tensor

    def nll(self, y: Tensor) -> Tensor:
        return 0.5 * ((y - self.mean) / self.scale) ** 2 + torch.log(self.scale) + 0.5 * math.log(2 * math.pi)


class Loads(Dataset):
    """daily curves between 0 and 1 of many little customers"""

    def __init__(self, n: int, length: int = 30, seed: int = 0) -> None:
        g = torch.Generator().manual_seed(seed)
        t = torch.arange(length).float()
        level = 0.5 + 0.2 * (torch.rand(n, 1, generator=g) - 0.5)
        phase = 6.28 * torch.rand(n, 1, generator=g)
        sigma = 0.01 + 0.02 * (torch.sin(2 * torch.pi * t / 10 + phase) > 0)
        self.y = level + 0.2 * torch.sin(2 * torch.pi * t / 10 + phase) + sigma * torch.randn(n, length, generator=g)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int) -> Tensor:
        return self.y[i]


class DeepAR(nn.Module):
    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.rnn = nn.LSTM(1, hidden, batch_first=True)
        self.mean = nn.Linear(hidden, 1)
        self.pre_scale = nn.Linear(hidden, 1)

    def forward(self, y: Tensor, state=None) -> tuple[Normal, tuple[Tensor, Tensor]]:
        h, state = self.rnn(y.unsqueeze(-1), state)
        scale = nn.functional.softplus(self.pre_scale(h)).squeeze(-1) + 1e-3
        return Normal(self.mean(h).squeeze(-1), scale), state

    @torch.no_grad()
    def simulate(self, past: Tensor, steps: int) -> Tensor:
        dist, state = self(past)
        out = []
        for _ in range(steps):
            y = torch.normal(dist.mean[:, -1:], dist.scale[:, -1:])
            out.append(y)
            dist, state = self(y, state)
        return torch.cat(out, 1)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(20)
    model = DeepAR()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    loader = DataLoader(Loads(800), batch_size=25, shuffle=True)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    held_out = Loads(100, seed=1).y
    for epoch in range(9):
        total = 0.0
        for y in loader:
            dist, _ = model(y[:, :-1])
            loss = dist.nll(y[:, 1:]).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            total += loss.item()
        with torch.no_grad():
            test = model(held_out[:, :-1])[0].nll(held_out[:, 1:]).mean().item()
        plateau.step(test)
        print(f"epoch {epoch} nll {total / len(loader):+.3f} held out {test:+.3f}")
    spread = model.simulate(held_out[:1, :20].repeat(50, 1), 10).std(0)
    print("spread of simulated paths:", [round(s, 3) for s in spread.tolist()])


if __name__ == "__main__":
    main()
