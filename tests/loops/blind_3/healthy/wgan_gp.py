"""WGAN with gradient penalty on a ring of points. Two optimisers, three critic steps per generator step."""
import math
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(3)

Z, BATCH, N_CRITIC, LAMBDA = 4, 64, 3, 1.0


def real_batch(n):
    a = torch.rand(n) * 2 * math.pi
    return torch.stack([a.cos(), a.sin()], 1) + 0.03 * torch.randn(n, 2)


def mlp(i, o):
    return nn.Sequential(nn.Linear(i, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, o))


G, D = mlp(Z, 2), mlp(2, 1)
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.9))


def penalty(real, fake):
    eps = torch.rand(real.size(0), 1)
    mid = (eps * real + (1 - eps) * fake).requires_grad_(True)
    grad, = torch.autograd.grad(D(mid).sum(), mid, create_graph=True)
    return ((grad.norm(2, dim=1) - 1) ** 2).mean()


def critic_step():
    real = real_batch(BATCH)
    fake = G(torch.randn(BATCH, Z)).detach()
    loss = D(fake).mean() - D(real).mean() + LAMBDA * penalty(real, fake)
    opt_d.zero_grad()
    loss.backward()
    opt_d.step()
    return loss.item()


def generator_step():
    D.requires_grad_(False)
    loss = -D(G(torch.randn(BATCH, Z))).mean()
    opt_g.zero_grad()
    loss.backward()
    opt_g.step()
    D.requires_grad_(True)
    return loss.item()


def radius_error():
    with torch.no_grad():
        r = G(torch.randn(500, Z)).norm(dim=1)
    return (r - 1).abs().mean().item()


print("before: mean distance from the ring", round(radius_error(), 3))
for it in range(1, 251):
    for _ in range(N_CRITIC):
        ld = critic_step()
    lg = generator_step()
    if it % 50 == 0:
        print(f"iter {it} critic {ld:+.3f} generator {lg:+.3f} distance {radius_error():.3f}")
