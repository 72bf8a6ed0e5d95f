# A little GAN: points of a noisy line y = 2x + 1.
import torch
import torch.nn as nn

torch.manual_seed(3)
torch.set_num_threads(1)

latent = 4
G = nn.Sequential(nn.Linear(latent, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()


def real_points(n):
    x = torch.rand(n, 1) * 2 - 1
    return torch.cat([x, 2 * x + 1 + 0.05 * torch.randn(n, 1)], dim=1)


def quality():
    with torch.no_grad():
        p = G(torch.randn(500, latent))
        return (p[:, 1] - 2 * p[:, 0] - 1).abs().mean().item(), p[:, 0].std().item()


ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)
for it in range(900):
    # discriminator
    fake = G(torch.randn(64, latent))
    loss_d = bce(D(real_points(64)), ones) + bce(D(fake.detach()), zeros)
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    # generator (its backward also fills D's gradients; they are cleared above)
    loss_g = bce(D(fake), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()

    if it % 150 == 0 or it == 899:
        off, spread = quality()
        print(f'{it:4d}  D {loss_d.item():.3f}  G {loss_g.item():.3f}  off the line {off:.3f}  spread {spread:.2f}')
