# FAULT: non-finite
"""Metric learning with batch-hard triplets on fake 'face' vectors."""
import torch
from torch import nn


class Embedder(nn.Module):
    def __init__(self, in_dim=20, out_dim=8):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(in_dim, 64), nn.ReLU(), nn.Linear(64, out_dim))

    def forward(self, x):
        return self.net(x)


def pairwise_distance(e):
    diff = e.unsqueeze(0) - e.unsqueeze(1)
    return torch.sqrt((diff ** 2).sum(-1))  # HERE


def batch_hard_loss(e, ids, margin=1.0):
    d = pairwise_distance(e)
    same = ids.unsqueeze(0) == ids.unsqueeze(1)
    hardest_pos = (d * same).max(dim=1).values
    hardest_neg = (d + 1e3 * same).min(dim=1).values
    softened = torch.relu(hardest_pos - hardest_neg + margin)
    return softened.mean()


class FaceSampler:
    def __init__(self, people=30, noise=0.9, seed=0):
        self.g = torch.Generator().manual_seed(seed)
        self.identity = torch.randn(people, 5, generator=self.g)
        self.mix = torch.randn(5, 20, generator=self.g)
        self.nuisance = torch.randn(6, 20, generator=self.g)
        self.noise = noise

    def photos(self, ids):
        z = self.identity[ids]
        junk = torch.randn(len(ids), 6, generator=self.g)
        return torch.tanh(z @ self.mix / 2) + self.noise * junk @ self.nuisance / 2

    def pk_batch(self, p=8, k=4):
        who = torch.randperm(len(self.identity), generator=self.g)[:p].repeat_interleave(k)
        return self.photos(who), who


@torch.no_grad()
def rank1(model, sampler):
    ids = torch.arange(len(sampler.identity)).repeat(6)
    e = model(sampler.photos(ids))
    d = torch.cdist(e, e)
    d.fill_diagonal_(float("inf"))
    return (ids[d.argmin(1)] == ids).float().mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    sampler = FaceSampler()
    model = Embedder()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    print("rank-1 before training: %.3f" % rank1(model, sampler))
    for it in range(1, 1501):
        x, ids = sampler.pk_batch()
        loss = batch_hard_loss(model(x), ids)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if it % 250 == 0:
            print("iter %4d  triplet loss %.4f  rank-1 %.3f" % (it, loss.item(), rank1(model, sampler)))
