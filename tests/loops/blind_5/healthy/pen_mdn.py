"""Mixture-density LSTM that models pen movements (Graves 2013 in miniature).

Parallel streams are cut into consecutive windows of 40 points, state is handed over (detached) from window to
window, and the likelihood is of a density: the loss is expected to end far below zero.
"""
import math

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

torch.set_num_threads(1)


def loops(n, T, g):
    """cursive-like loops: offsets (dx, dy), amplitude wandering slowly, occasional jumps of the pen"""
    t = torch.arange(T + 1) * 0.5
    a = 1 + 0.3 * torch.sin(0.05 * t + 6.28 * torch.rand(n, 1, generator=g))
    ph = 6.28 * torch.rand(n, 1, generator=g)
    x = 0.25 * t + 0.8 * a * torch.sin(t + ph)
    y = a * torch.cos(t + ph)
    jump = 1.2 * (torch.rand(n, T + 1, generator=g) < 0.04).float()
    x = x + jump.cumsum(1)
    xy = torch.stack([x, y], -1)
    return (xy[:, 1:] - xy[:, :-1]) + 0.02 * torch.randn(n, T, 2, generator=g)


class Pen(nn.Module):
    def __init__(self, hid=72, k=6):
        super().__init__()
        self.k = k
        self.lstm = nn.LSTM(2, hid, batch_first=True)
        self.head = nn.Linear(hid, 6 * k)

    def dist(self, x, state):
        y, state = self.lstm(x, state)
        if y.requires_grad:
            # Graves' trick: clip the derivative w.r.t. the LSTM outputs, not the parameter gradients
            y.register_hook(lambda g: g.clamp(-0.002, 0.002))
        w, mx, my, lx, ly, c = self.head(y).split(self.k, -1)
        sx, sy = torch.exp(lx.clamp(-4.5, 2)), torch.exp(ly.clamp(-4.5, 2))
        rho = 0.95 * torch.tanh(c)
        zero = torch.zeros_like(sx)
        tril = torch.stack([torch.stack([sx, zero], -1), torch.stack([rho * sy, sy * (1 - rho**2).sqrt()], -1)], -2)
        comp = MultivariateNormal(torch.stack([mx, my], -1), scale_tril=tril, validate_args=False)
        return MixtureSameFamily(Categorical(logits=w, validate_args=False), comp, validate_args=False), state


def windows(data, size):
    for i in range(0, data.size(1) - 1, size):
        chunk = data[:, i : i + size + 1]
        yield chunk[:, :-1], chunk[:, 1:]


@torch.no_grad()
def nats_per_point(net, data):
    state, tot, n = None, 0.0, 0
    for x, y in windows(data, 40):
        d, state = net.dist(x, state)
        lp = d.log_prob(y)
        tot, n = tot - lp.sum().item(), n + lp.numel()
    return tot / n


def main():
    torch.manual_seed(81)
    g = torch.Generator().manual_seed(80)
    train, val = loops(32, 1201, g), loops(16, 401, g)
    net = Pen()
    opt = torch.optim.RMSprop(net.parameters(), lr=1.2e-3, alpha=0.95, momentum=0.7, centered=True, eps=1e-4)
    print(f"validation NLL before training {nats_per_point(net, val):+.3f} nats/point")
    for epoch in range(1, 10):
        state, tot, m = None, 0.0, 0
        for x, y in windows(train, 40):
            if state is not None:
                state = tuple(s.detach() for s in state)
            d, state = net.dist(x, state)
            loss = -d.log_prob(y).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot, m = tot + loss.item(), m + 1
        if epoch in (5, 7):
            for grp in opt.param_groups:
                grp["lr"] *= 0.4
        print(f"epoch {epoch} ({m} windows) train {tot/m:+.3f} val {nats_per_point(net, val):+.3f}")
    # let it write
    with torch.no_grad():
        pt, state, track = val[:1, :1], None, []
        for _ in range(200):
            d, state = net.dist(pt, state)
            pt = d.sample()
            track.append(pt[0, 0])
    track = torch.stack(track)
    print("generated strokes: std of dx, dy %.3f %.3f; data %.3f %.3f" % (*track.std(0).tolist(), *val.flatten(0, 1).std(0).tolist()))


if __name__ == "__main__":
    main()
