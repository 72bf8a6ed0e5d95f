"""A little GAN: learn the distribution N(4, 1.25) from noise."""
import torch
import torch.nn as nn
import torch.optim as optim

torch.set_num_threads(1)
torch.manual_seed(9)

data_mean, data_stddev = 4.0, 1.25
minibatch = 128


def real_samples(n):
    return data_mean + data_stddev * torch.randn(n, 1)


def noise(n):
    return torch.rand(n, 2) * 2 - 1


class Generator(nn.Module):
    def __init__(self, h=24):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, h), nn.Tanh(), nn.Linear(h, h), nn.Tanh(), nn.Linear(h, 1))

    def forward(self, z):
        return self.net(z)


class Discriminator(nn.Module):
    def __init__(self, h=32):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, h), nn.LeakyReLU(0.2), nn.Linear(h, h), nn.LeakyReLU(0.2), nn.Linear(h, 1))

    def forward(self, x):
        return self.net(torch.cat([x, (x - x.mean()) ** 2], dim=1))


G, D = Generator(), Discriminator()
criterion = nn.BCEWithLogitsLoss()
d_optimizer = optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.999))
g_optimizer = optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.999))
decay = [optim.lr_scheduler.LinearLR(o, 1.0, 0.05, total_iters=700) for o in (d_optimizer, g_optimizer)]
ones, zeros = torch.ones(minibatch, 1), torch.zeros(minibatch, 1)


@torch.no_grad()
def stats():
    s = G(noise(4000))
    return s.mean().item(), s.std().item()


m, s = stats()
print(f"before: mean {m:.3f} std {s:.3f} distance {abs(m - data_mean) + abs(s - data_stddev):.3f}")
for step in range(1, 701):
    # discriminator
    D.zero_grad()
    fake = G(noise(minibatch)).detach()
    d_loss = criterion(D(real_samples(minibatch)), ones) + criterion(D(fake), zeros)
    d_loss.backward()
    d_optimizer.step()

    # generator
    G.zero_grad()
    g_loss = criterion(D(G(noise(minibatch))), ones)
    g_loss.backward()
    g_optimizer.step()
    for s in decay:
        s.step()

    if step % 100 == 0:
        m, s = stats()
        print(f"{step:5d}: D {d_loss.item():.3f} G {g_loss.item():.3f} | mean {m:.3f} std {s:.3f} distance {abs(m - data_mean) + abs(s - data_stddev):.3f}")
