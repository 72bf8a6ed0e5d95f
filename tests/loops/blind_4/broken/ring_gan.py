# FAULT: loss-without-its-graph
"""GAN for points on a ring."""
import math
import torch
import torch.nn as nn

torch.manual_seed(1234)
torch.set_num_threads(1)

latent_dim = 4
batch_size = 96
n_iter = 1200


def real_points(n):
    a = torch.rand(n) * 2 * math.pi
    r = 1.0 + 0.05 * torch.randn(n)
    return torch.stack([r * a.cos(), r * a.sin()], 1)


G = nn.Sequential(nn.Linear(latent_dim, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
D = nn.Sequential(nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))

opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
ones = torch.ones(batch_size, 1)
zeros = torch.zeros(batch_size, 1)

for it in range(1, n_iter + 1):
    real = real_points(batch_size)
    fake = G(torch.randn(batch_size, latent_dim))

    # discriminator
    d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    # generator
    g_loss = bce(D(fake.detach()), ones)  # HERE
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()

    if it % 150 == 0:
        with torch.no_grad():
            radius = G(torch.randn(500, latent_dim)).norm(dim=1)
        print(f"{it:5d} d {d_loss.item():.3f} g {g_loss.item():.3f} radius {radius.mean():.2f} +- {radius.std():.2f}")
