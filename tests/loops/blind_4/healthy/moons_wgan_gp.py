"""WGAN with gradient penalty on two moons; n_critic = 4."""
import math
import torch
from torch import nn, autograd, optim

torch.manual_seed(500)
torch.set_num_threads(1)


def moons(n):
    a = torch.rand(n) * math.pi
    up = torch.rand(n) < 0.5
    x = torch.where(up, a.cos(), 1 - a.cos())
    y = torch.where(up, a.sin(), 0.5 - a.sin())
    return torch.stack([x - 0.5, y - 0.25], 1) + 0.05 * torch.randn(n, 2)


def mlp(*sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), nn.SiLU()]
    return nn.Sequential(*layers[:-1])


def gradient_penalty(critic, real, fake):
    eps = torch.rand(len(real), 1)
    mix = (eps * real + (1 - eps) * fake).requires_grad_(True)
    score = critic(mix)
    (grad,) = autograd.grad(score.sum(), mix, create_graph=True)
    return ((grad.norm(2, dim=1) - 1) ** 2).mean()


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


def main(iterations=450, n_critic=4, lam=1.0, bs=128):
    gen, critic = mlp(4, 48, 48, 2), mlp(2, 48, 48, 1)
    opt_g = optim.Adam(gen.parameters(), lr=5e-4, betas=(0.5, 0.9))
    opt_c = optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
    for it in range(1, iterations + 1):
        for _ in range(n_critic):
            real = moons(bs)
            with torch.no_grad():
                fake = gen(torch.randn(bs, 4))
            c_loss = critic(fake).mean() - critic(real).mean() + lam * gradient_penalty(critic, real, fake)
            opt_c.zero_grad()
            c_loss.backward()
            opt_c.step()
        for p in critic.parameters():
            p.requires_grad_(False)
        g_loss = -critic(gen(torch.randn(bs, 4))).mean()
        opt_g.zero_grad()
        g_loss.backward()
        opt_g.step()
        for p in critic.parameters():
            p.requires_grad_(True)
        if it % 45 == 0:
            with torch.no_grad():
                d = energy_distance(gen(torch.randn(600, 4)), moons(600))
            print(f"it {it} critic {c_loss.item():+.3f} generator {g_loss.item():+.3f} energy distance {d:.4f}")


main()
