"""WGAN-GP on a ring of eight Gaussians. Losses are scores: signs and trends of single losses mean little;
quality = share of good samples, modes covered, sliced Wasserstein distance to held-out data."""
import copy
import math
import torch
from torch import nn, autograd

torch.set_num_threads(1)
torch.manual_seed(12)


def ring(n):
    k = torch.randint(0, 8, (n,))
    ang = k * (2 * math.pi / 8)
    return 2 * torch.stack([ang.cos(), ang.sin()], 1) + 0.2 * torch.randn(n, 2)


def mlp(i, o, w=96):
    return nn.Sequential(nn.Linear(i, w), nn.LeakyReLU(0.2), nn.Linear(w, w), nn.LeakyReLU(0.2), nn.Linear(w, o))


def penalty(critic, real, fake):
    eps = torch.rand(len(real), 1)
    mid = (eps * real + (1 - eps) * fake).requires_grad_()
    (grad,) = autograd.grad(critic(mid).sum(), mid, create_graph=True)
    return (grad.norm(dim=1) - 1).square().mean()


def sliced_w(a, b, n_proj=64):
    th = torch.linspace(0, math.pi, n_proj)
    d = torch.stack([th.cos(), th.sin()])
    return (torch.sort(a @ d, 0).values - torch.sort(b @ d, 0).values).abs().mean().item()


@torch.no_grad()
def quality(gen, held):
    s = gen(torch.randn(len(held), 2))
    ang = torch.arange(8) * (2 * math.pi / 8)
    dist, idx = torch.cdist(s, 2 * torch.stack([ang.cos(), ang.sin()], 1)).min(1)
    good = dist < 0.6
    return good.float().mean().item(), int((torch.bincount(idx[good], minlength=8) > 20).sum()), sliced_w(s, held)


G, D = mlp(2, 2), mlp(2, 1)
G_avg = copy.deepcopy(G).requires_grad_(False)
optG = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.9))
optD = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.9))
decay = [torch.optim.lr_scheduler.ExponentialLR(o, 0.997) for o in (optG, optD)]
held = ring(2000)
print("start: good %.2f, modes %d, SW %.3f" % quality(G_avg, held))

for it in range(1, 701):
    for p in D.parameters():
        p.requires_grad_(True)
    for _ in range(4):
        x = ring(128)
        with torch.no_grad():
            fake = G(torch.randn(128, 2))
        w_est = D(x).mean() - D(fake).mean()
        gp = penalty(D, x, fake)
        optD.zero_grad(set_to_none=True)
        (-w_est + 2.0 * gp).backward()
        optD.step()
    for p in D.parameters():
        p.requires_grad_(False)
    gen_loss = -D(G(torch.randn(128, 2))).mean()
    optG.zero_grad(set_to_none=True)
    gen_loss.backward()
    optG.step()
    for s in decay:
        s.step()
    with torch.no_grad():
        for a, b in zip(G_avg.parameters(), G.parameters()):
            a.mul_(0.98).add_(b, alpha=0.02)
    if it % 100 == 0:
        q = quality(G_avg, held)
        print(f"{it:5d} W estimate {w_est:.3f} gp {gp:.4f} gen loss {gen_loss:+.3f} | good {q[0]:.2f} modes {q[1]} SW {q[2]:.3f}")
print("noise floor of SW between two real samples: %.3f" % sliced_w(ring(2000), held))
