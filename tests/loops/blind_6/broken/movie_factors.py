# FAULT: rate-gone
"""Matrix factorisation for movie ratings."""
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset, random_split


@dataclass
class Settings:
    users: int = 150
    movies: int = 80
    ratings: int = 6000
    rank: int = 6
    batch_size: int = 128
    epochs: int = 20
    lr: float = 0.02
    decay_every: int = 8          # epochs
    decay: float = 0.3
    seed: int = 31
    split: list = field(default_factory=lambda: [0.85, 0.15])


class Factors(nn.Module):
    def __init__(self, s: Settings):
        super().__init__()
        self.user_vec = nn.Embedding(s.users, s.rank)
        self.movie_vec = nn.Embedding(s.movies, s.rank)
        self.user_bias = nn.Embedding(s.users, 1)
        self.movie_bias = nn.Embedding(s.movies, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))
        for emb in (self.user_vec, self.movie_vec):
            nn.init.normal_(emb.weight, std=0.1)
        for emb in (self.user_bias, self.movie_bias):
            nn.init.zeros_(emb.weight)

    def forward(self, u, m):
        dot = (self.user_vec(u) * self.movie_vec(m)).sum(-1)
        return self.mean + self.user_bias(u).squeeze(-1) + self.movie_bias(m).squeeze(-1) + dot


def fake_ratings(s):
    taste = torch.randn(s.users, 2)
    style = torch.randn(s.movies, 2)
    quality = torch.randn(s.movies) * 0.5
    u = torch.randint(s.users, (s.ratings,))
    m = torch.randint(s.movies, (s.ratings,))
    stars = 3.2 + quality[m] + 0.8 * (taste[u] * style[m]).sum(-1) + 0.2 * torch.randn(s.ratings)
    return TensorDataset(u, m, stars.clamp(0.5, 5.0))


def rmse(model, loader):
    model.eval()
    se = n = 0
    with torch.no_grad():
        for u, m, r in loader:
            se += ((model(u, m) - r) ** 2).sum().item()
            n += len(r)
    return (se / n) ** 0.5


def fit(s: Settings):
    torch.manual_seed(s.seed)
    train_data, test_data = random_split(fake_ratings(s), s.split)
    train_loader = DataLoader(train_data, batch_size=s.batch_size, shuffle=True)
    test_loader = DataLoader(test_data, batch_size=s.batch_size)
    model = Factors(s)
    opt = torch.optim.Adam(model.parameters(), lr=s.lr)
    scheduler = StepLR(opt, step_size=s.decay_every, gamma=s.decay)
    mse = nn.MSELoss()
    for epoch in range(1, s.epochs + 1):
        model.train()
        for u, m, r in train_loader:
            opt.zero_grad()
            loss = mse(model(u, m), r)
            loss.backward()
            opt.step()
            scheduler.step()  # HERE
        if epoch % 2 == 0:
            print(f"epoch {epoch:2d}   train rmse {rmse(model, train_loader):.4f}   test rmse {rmse(model, test_loader):.4f}")
    return model


if __name__ == "__main__":
    torch.set_num_threads(1)
    fit(Settings())
