"""VAE for small blob images with a KL weight that is annealed from 0 to 1 (the reported loss rises meanwhile)."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader


def blobs(n, size=12):
    g = torch.arange(size).float()
    cx, cy = torch.rand(n, 1, 1) * 7 + 2, torch.rand(n, 1, 1) * 7 + 2
    r = torch.rand(n, 1, 1) * 1.2 + 1.0
    img = torch.exp(-((g.view(1, 1, -1) - cx) ** 2 + (g.view(1, -1, 1) - cy) ** 2) / (2 * r ** 2))
    return img.flatten(1)


class VAE(nn.Module):
    def __init__(self, n_in=144, n_latent=4):
        super().__init__()
        self.enc = nn.Sequential(nn.Linear(n_in, 96), nn.ReLU())
        self.mu = nn.Linear(96, n_latent)
        self.logvar = nn.Linear(96, n_latent)
        self.dec = nn.Sequential(nn.Linear(n_latent, 96), nn.ReLU(), nn.Linear(96, n_in))

    def forward(self, x):
        h = self.enc(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.dec(z), mu, logvar


def terms(x, logits, mu, logvar):
    rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / len(x)
    kl = -0.5 * (1 + logvar - mu.pow(2) - logvar.exp()).sum() / len(x)
    return rec, kl


def main():
    torch.manual_seed(33)
    torch.set_num_threads(1)
    train, test = blobs(2400), blobs(300)
    loader = DataLoader(train, batch_size=48, shuffle=True)
    vae = VAE()
    opt = torch.optim.Adamax(vae.parameters(), lr=4e-3)
    step, warm = 0, 500
    for epoch in range(20):
        vae.train()
        sums = torch.zeros(3)
        for x in loader:
            beta = min(1.0, step / warm)
            rec, kl = terms(x, *vae(x))
            loss = rec + beta * kl
            opt.zero_grad()
            loss.backward()
            opt.step()
            sums += torch.tensor([loss.item(), rec.item(), kl.item()])
            step += 1
        vae.eval()
        with torch.no_grad():
            trec, tkl = terms(test, *vae(test))
        l, r, k = (sums / len(loader)).tolist()
        print(f"epoch {epoch:2d} beta {beta:.2f} loss {l:.2f} rec {r:.2f} kl {k:.2f} | test bound {trec + tkl:.2f}")


main()
