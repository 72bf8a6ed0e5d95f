# Density estimation on two moons with coupling layers, data-dependent actnorm, Gaussian gradient
# noise in the early phase and stochastic weight averaging in the late one.
# Training data: an endless stream of fresh points. The figure of merit: held-out nats per point.
import math
from itertools import islice

import torch
import torch.nn as nn
from torch.optim.swa_utils import AveragedModel, SWALR

torch.set_num_threads(1)


def moons(n, gen):
    ang = math.pi * torch.rand(n, generator=gen)
    up = torch.rand(n, generator=gen) < 0.5
    x = torch.where(up, ang.cos(), 1 - ang.cos())
    y = torch.where(up, ang.sin(), 0.5 - ang.sin())
    return torch.stack([x, y], 1) + 0.07 * torch.randn(n, 2, generator=gen)


def stream(batch, seed):
    gen = torch.Generator().manual_seed(seed)
    while True:
        yield moons(batch, gen)


class ActNorm(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.loc, self.log_scale = nn.Parameter(torch.zeros(d)), nn.Parameter(torch.zeros(d))

    @torch.no_grad()
    def calibrate(self, x):
        self.loc.copy_(x.mean(0))
        self.log_scale.copy_(-x.std(0).log())

    def forward(self, x):
        return (x - self.loc) * self.log_scale.exp(), self.log_scale.sum().expand(len(x))

    def inverse(self, z):
        return z * torch.exp(-self.log_scale) + self.loc


class Coupling(nn.Module):
    def __init__(self, keep, width=32):
        super().__init__()
        self.keep = keep
        self.net = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def _st(self, a):
        s, t = self.net(a).chunk(2, 1)
        return 1.5 * torch.tanh(s), t

    def _join(self, a, b):
        return torch.cat([a, b] if self.keep == 0 else [b, a], 1)

    def forward(self, x):
        a, b = x[:, self.keep, None], x[:, 1 - self.keep, None]
        s, t = self._st(a)
        return self._join(a, b * s.exp() + t), s[:, 0]

    def inverse(self, z):
        a, b = z[:, self.keep, None], z[:, 1 - self.keep, None]
        s, t = self._st(a)
        return self._join(a, (b - t) * torch.exp(-s))


class Flow(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList(m for k in range(depth) for m in (ActNorm(2), Coupling(k % 2)))

    @torch.no_grad()
    def calibrate(self, x):
        for l in self.layers:
            if isinstance(l, ActNorm):
                l.calibrate(x)
            x, _ = l(x)

    def forward(self, x):  # negative log likelihood of every point
        logdet = 0.0
        for l in self.layers:
            x, ld = l(x)
            logdet = logdet + ld
        return 0.5 * x.pow(2).sum(1) + math.log(2 * math.pi) - logdet

    @torch.no_grad()
    def sample(self, n):
        z = torch.randn(n, 2)
        for l in reversed(self.layers):
            z = l.inverse(z)
        return z


torch.manual_seed(30)
held_out = moons(3000, torch.Generator().manual_seed(555))
flow = Flow()


@torch.no_grad()
def score(m):
    return m(held_out).mean().item()


print(f"identity flow           {score(flow):.3f} nats")
flow.calibrate(next(stream(1024, 31)))
print(f"after actnorm set-up    {score(flow):.3f} nats")

STEPS, SWA_FROM = 800, 550
opt = torch.optim.Adam(flow.parameters(), lr=5e-3)
swa = AveragedModel(flow)
step_lr = torch.optim.lr_scheduler.StepLR(opt, step_size=300, gamma=0.6)
swa_lr = SWALR(opt, swa_lr=8e-4, anneal_epochs=40)
for k, x in enumerate(islice(stream(192, 32), STEPS), 1):
    loss = flow(x).mean()
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
    noise = 0.01 / (1 + k) ** 0.55
    for p in flow.parameters():
        p.grad.add_(torch.randn_like(p.grad), alpha=noise)
    opt.step()
    if k >= SWA_FROM:
        swa.update_parameters(flow)
        swa_lr.step()
    else:
        step_lr.step()
    if k % 80 == 0:
        tail = f" swa {score(swa):.3f}" if k >= SWA_FROM else ""
        print(f"step {k:5d} batch nll {loss.item():.3f} held-out {score(flow):.3f}{tail} lr {opt.param_groups[0]['lr']:.1e}")

x = held_out[:5]
z = x
for l in flow.layers:
    z, _ = l(z)
for l in reversed(flow.layers):
    z = l.inverse(z)
print("inversion error %.1e" % (z - x).abs().max().item(), "| nearest held-out point to a sample, median %.3f"
      % torch.cdist(swa.module.sample(500), held_out).min(1).values.median().item())
