"""A small GAN that learns to put points on a ring."""

import math

import torch
import torch.nn as nn

torch.manual_seed(11)
torch.set_num_threads(1)

latent_dim = 8
batch_size = 64

generator = nn.Sequential(nn.Linear(latent_dim, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
discriminator = nn.Sequential(
    nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1)
)

adversarial_loss = nn.BCEWithLogitsLoss()
optimizer_g = torch.optim.Adam(generator.parameters(), lr=5e-4, betas=(0.5, 0.999))
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=5e-4, betas=(0.5, 0.999))


def real_points(n):
    angle = 2 * math.pi * torch.rand(n)
    ring = torch.stack([2 * angle.cos(), 2 * angle.sin()], dim=1)
    return ring + 0.05 * torch.randn(n, 2)


def distance_to_ring():
    with torch.no_grad():
        points = generator(torch.randn(500, latent_dim))
    return (points.norm(dim=1) - 2).abs().mean().item()


valid = torch.ones(batch_size, 1)
fake = torch.zeros(batch_size, 1)

print(f"before: mean distance to the ring {distance_to_ring():.3f}")
for step in range(1, 321):
    # generator
    optimizer_g.zero_grad()
    z = torch.randn(batch_size, latent_dim)
    made = generator(z)
    g_loss = adversarial_loss(discriminator(made), valid)
    g_loss.backward()
    optimizer_g.step()

    # discriminator
    optimizer_d.zero_grad()
    real_loss = adversarial_loss(discriminator(real_points(batch_size)), valid)
    fake_loss = adversarial_loss(discriminator(made.detach()), fake)
    d_loss = (real_loss + fake_loss) / 2
    d_loss.backward()
    optimizer_d.step()

    if step % 80 == 0:
        print(f"step {step}: D {d_loss.item():.3f}, G {g_loss.item():.3f}, distance {distance_to_ring():.3f}")
