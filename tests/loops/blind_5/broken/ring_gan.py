# FAULT: other-parameters
import math
import torch
import torch.nn as nn
from torch.optim import Adam

torch.set_num_threads(1)
torch.manual_seed(1234)

latent_dim = 4
batch_size = 128
n_iters = 2000

# real data: points on a ring around (2, -1)
def sample_real(n):
    ang = torch.rand(n) * 2 * math.pi
    r = 1.0 + 0.05 * torch.randn(n)
    return torch.stack([2 + r * ang.cos(), -1 + r * ang.sin()], dim=1)

def mlp(i, o, h=48):
    return nn.Sequential(nn.Linear(i, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, o))

G = mlp(latent_dim, 2)
D = mlp(2, 1)

optimizer_D = Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizer_G = Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.999))  # HERE

bce = nn.BCEWithLogitsLoss()
real_label = torch.ones(batch_size, 1)
fake_label = torch.zeros(batch_size, 1)

def report(it, d_loss, g_loss):
    with torch.no_grad():
        pts = G(torch.randn(2000, latent_dim))
    centre = pts.mean(0)
    radius = (pts - torch.tensor([2.0, -1.0])).norm(dim=1)
    print(f"[{it:4d}] D {d_loss:.3f}  G {g_loss:.3f}  centre ({centre[0]:+.2f}, {centre[1]:+.2f})  mean dist. to ring {(radius - 1).abs().mean():.3f}")

for it in range(1, n_iters + 1):
    # --- discriminator ---
    real = sample_real(batch_size)
    fake = G(torch.randn(batch_size, latent_dim)).detach()
    d_loss = bce(D(real), real_label) + bce(D(fake), fake_label)
    optimizer_D.zero_grad()
    d_loss.backward()
    optimizer_D.step()

    # --- generator ---
    g_loss = bce(D(G(torch.randn(batch_size, latent_dim))), real_label)
    optimizer_G.zero_grad()
    g_loss.backward()
    optimizer_G.step()

    if it % 250 == 0:
        report(it, d_loss.item(), g_loss.item())
