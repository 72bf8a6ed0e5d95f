"""Small denoising diffusion model on a 2-d spiral.

Note on reading the log: the epsilon-prediction loss saturates early (its floor is far above zero), sample
quality from the EMA weights keeps improving, measured with the energy distance to held-out points.
"""
import math
from dataclasses import dataclass, field

import torch
import torch.nn as nn


@dataclass
class Args:
    T: int = 60
    width: int = 96
    batch: int = 256
    updates: int = 1600
    lr: float = 2e-3
    warmup: int = 50
    ema: float = 0.995
    seed: int = 40
    report: tuple = field(default=(100, 400, 800, 1200, 1600))


def spiral(n):
    r = torch.rand(n).sqrt()
    a = 3 * math.pi * r
    return torch.stack([r * a.cos(), r * a.sin()], 1) * 1.8 + 0.04 * torch.randn(n, 2)


class Eps(nn.Module):
    def __init__(self, width, T):
        super().__init__()
        k = torch.arange(8)
        self.register_buffer("freq", 2 * math.pi * 2.0 ** (k / 2 - 2))
        self.T = T
        self.inp = nn.Linear(2 + 16, width)
        self.mid = nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        ph = (t.float() / self.T)[:, None] * self.freq
        h = self.inp(torch.cat([x, ph.sin(), ph.cos()], 1))
        for m in self.mid:
            h = h + m(nn.functional.silu(h))
        return self.out(nn.functional.silu(h))


class Diffusion:
    def __init__(self, T):
        u = torch.arange(T + 1) / T
        f = torch.cos((u + 0.008) / 1.008 * math.pi / 2) ** 2
        self.beta = (1 - f[1:] / f[:-1]).clamp(max=0.999)
        self.abar = torch.cumprod(1 - self.beta, 0)
        self.T = T

    def loss(self, net, x0):
        half = torch.randint(0, self.T, (len(x0) // 2,))
        t = torch.cat([half, self.T - 1 - half])  # antithetic time steps
        e = torch.randn_like(x0)
        ab = self.abar[t][:, None]
        return (net(ab.sqrt() * x0 + (1 - ab).sqrt() * e, t) - e).pow(2).mean()

    @torch.no_grad()
    def sample(self, net, n):
        x = torch.randn(n, 2)
        for t in reversed(range(self.T)):
            b, ab = self.beta[t], self.abar[t]
            eps = net(x, torch.full((n,), t))
            x0 = ((x - (1 - ab).sqrt() * eps) / ab.sqrt()).clamp(-3, 3)
            prev = self.abar[t - 1] if t > 0 else torch.tensor(1.0)
            mean = (prev.sqrt() * b * x0 + (1 - b).sqrt() * (1 - prev) * x) / (1 - ab)
            var = b * (1 - prev) / (1 - ab)
            x = mean + (var.sqrt() * torch.randn_like(x) if t > 0 else 0)
        return x


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main(a: Args):
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    held = spiral(1000)
    diff, net, shadow = Diffusion(a.T), Eps(a.width, a.T), Eps(a.width, a.T)
    shadow.load_state_dict(net.state_dict())
    for p in shadow.parameters():
        p.requires_grad = False
    opt = torch.optim.AdamW(net.parameters(), lr=a.lr, weight_decay=0.0)
    warm = torch.optim.lr_scheduler.LinearLR(opt, 0.02, 1.0, total_iters=a.warmup)
    cos = torch.optim.lr_scheduler.CosineAnnealingLR(opt, a.updates - a.warmup)
    sched = torch.optim.lr_scheduler.SequentialLR(opt, [warm, cos], milestones=[a.warmup])
    print(f"energy distance: untrained {energy_distance(diff.sample(shadow, 1000), held):.4f}, "
          f"data against data {energy_distance(spiral(1000), held):.5f}")
    window = []
    for k in range(1, a.updates + 1):
        loss = diff.loss(net, spiral(a.batch))
        opt.zero_grad()
        loss.backward()
        gn = nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        sched.step()
        with torch.no_grad():
            d = min(a.ema, (1 + k) / (10 + k))
            for s, p in zip(shadow.parameters(), net.parameters()):
                s.lerp_(p, 1 - d)
        window.append(loss.item())
        if k in a.report:
            ed = energy_distance(diff.sample(shadow, 1000), held)
            print(f"{k:5d}  eps mse {sum(window[-100:])/len(window[-100:]):.4f}  |g| {gn:.2f}  energy distance of EMA samples {ed:.5f}")


if __name__ == "__main__":
    main(Args())
