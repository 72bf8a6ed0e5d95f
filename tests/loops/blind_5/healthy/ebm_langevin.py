# An energy-based model of a 2-d toy density, trained by persistent contrastive divergence.
# The "gap" E(data) - E(samples) hovers around zero when all is well: it is no measure of progress.
# Progress is seen in the held-out log likelihood; in two dimensions the partition function is a sum over a grid.
import math

import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(120)


def flower(n):
    a = 2 * math.pi * torch.rand(n)
    r = 1.3 + 0.35 * torch.cos(3 * a) + 0.18 * torch.randn(n)
    return torch.stack([r * a.cos(), r * a.sin()], 1)


class Energy(nn.Module):
    def __init__(self, w=64):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(2, w), nn.SiLU(), nn.Linear(w, w), nn.SiLU(), nn.Linear(w, 1))

    def forward(self, x):  # a broad quadratic bowl makes it normalisable
        return self.f(x).squeeze(-1) + 0.1 * x.pow(2).sum(-1)


STEP = 0.01  # Langevin step: x <- x - STEP * grad E + sqrt(2 * STEP) * noise


def langevin(E, x, n):
    for _ in range(n):
        x = x.detach().requires_grad_(True)
        (g,) = torch.autograd.grad(E(x).sum(), x)
        x = x - STEP * g.clamp(-20, 20) + math.sqrt(2 * STEP) * torch.randn_like(x)
    return x.detach()


axis = torch.linspace(-4, 4, 161)
grid = torch.cartesian_prod(axis, axis)
cell = (axis[1] - axis[0]) ** 2


@torch.no_grad()
def log_likelihood(E, x):
    log_z = torch.logsumexp(-E(grid), 0) + cell.log()
    return (-E(x) - log_z).mean().item()


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


train, held = flower(4000), flower(1000)
net = Energy()
opt = torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.999))
sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=800)
chains = 4 * torch.rand(1500, 2) - 2  # persistent chains
print(f"start: held-out log likelihood {log_likelihood(net, held):.3f}")

gap_avg = 0.0
for it in range(1, 801):
    data = train[torch.randint(0, len(train), (256,))]
    pick = torch.randperm(len(chains))[:256]
    start = chains[pick]
    fresh = torch.rand(256) < 0.03
    start[fresh] = 4 * torch.rand(int(fresh.sum()), 2) - 2  # now and then a chain starts again

    net.requires_grad_(False)  # only the samples move here
    samples = langevin(net, start, 10)
    net.requires_grad_(True)
    chains[pick] = samples

    e_data, e_model = net(data), net(samples)
    gap = e_data.mean() - e_model.mean()
    loss = gap + 0.01 * (e_data.pow(2).mean() + e_model.pow(2).mean())
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    gap_avg = 0.95 * gap_avg + 0.05 * gap.item()
    if it % 100 == 0:
        print(f"{it:4d}  gap {gap_avg:+.3f}  loss {loss.item():+.3f}  held-out log likelihood {log_likelihood(net, held):.3f}")

net.requires_grad_(False)
final = langevin(net, 4 * torch.rand(1000, 2) - 2, 500)
print(f"fresh chains after 500 steps: energy distance to held-out {energy_distance(final, held):.4f}, "
      f"a uniform start has {energy_distance(4 * torch.rand(1000, 2) - 2, held):.4f}, data {energy_distance(flower(1000), held):.4f}")
