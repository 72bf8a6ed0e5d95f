"""Two stages: (1) VQ-VAE with straight-through estimator and EMA codebook (the codebook never sees an optimiser),
with revival of dead codes; (2) GRU prior over the code grids of the frozen autoencoder, then sampling."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


def pictures(n, g):
    """16x16: a bar (horizontal or vertical) and a disc"""
    r = lambda *s: torch.rand(*s, generator=g)  # noqa: E731
    yy, xx = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    pos = 2 + 12 * r(n, 1, 1)
    vert = r(n, 1, 1) < 0.5
    bar = torch.where(vert, (xx - pos).abs() < 1.3, (yy - pos).abs() < 1.3)
    cx, cy, rad = 3 + 10 * r(n, 1, 1), 3 + 10 * r(n, 1, 1), 2 + 1.5 * r(n, 1, 1)
    disc = (xx - cx) ** 2 + (yy - cy) ** 2 < rad**2
    img = torch.maximum(bar * 0.6, disc * 1.0)
    return (img + 0.02 * torch.randn(n, 16, 16, generator=g)).unsqueeze(1)


class Codebook(nn.Module):
    def __init__(self, k=32, d=12, decay=0.97):
        super().__init__()
        self.k, self.decay = k, decay
        self.register_buffer("emb", torch.randn(k, d) * 0.3)
        self.register_buffer("count", torch.ones(k))
        self.register_buffer("total", self.emb.clone())

    def forward(self, z):  # (B, D, H, W)
        flat = z.permute(0, 2, 3, 1).reshape(-1, z.size(1))
        idx = torch.cdist(flat, self.emb).argmin(1)
        q = self.emb[idx].view(z.size(0), z.size(2), z.size(3), -1).permute(0, 3, 1, 2)
        if self.training:
            self._follow(flat.detach(), idx)
        commit = F.mse_loss(z, q.detach())
        return z + (q - z).detach(), commit, idx.view(z.size(0), -1)

    @torch.no_grad()
    def _follow(self, flat, idx):
        one = F.one_hot(idx, self.k).float()
        self.count.mul_(self.decay).add_(one.sum(0), alpha=1 - self.decay)
        self.total.mul_(self.decay).add_(one.t() @ flat, alpha=1 - self.decay)
        self.emb.copy_(self.total / self.count.clamp(min=1e-3).unsqueeze(1))
        dead = self.count < 0.5
        if dead.any():
            new = flat[torch.randint(0, len(flat), (int(dead.sum()),))]
            self.emb[dead], self.total[dead], self.count[dead] = new, new, 1.0


class VQVAE(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, 24, 4, 2, 1), nn.ReLU(), nn.Conv2d(24, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, d, 1))
        self.book = Codebook(d=d)
        self.dec = nn.Sequential(
            nn.Conv2d(d, 32, 3, 1, 1), nn.ReLU(), nn.ConvTranspose2d(32, 24, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(24, 1, 4, 2, 1)
        )

    def forward(self, x):
        q, commit, idx = self.book(self.enc(x))
        return self.dec(q), commit, idx


class Prior(nn.Module):
    def __init__(self, k=32, h=64):
        super().__init__()
        self.k = k
        self.tok, self.place = nn.Embedding(k + 1, 24), nn.Parameter(0.1 * torch.randn(16, 24))
        self.gru, self.out = nn.GRU(24, h, batch_first=True), nn.Linear(h, k)

    def forward(self, codes):
        shifted = F.pad(codes[:, :-1], (1, 0), value=self.k)
        return self.out(self.gru(self.tok(shifted) + self.place)[0])

    @torch.no_grad()
    def sample(self, n):
        tok, h, res = torch.full((n, 1), self.k), None, []
        for t in range(16):
            y, h = self.gru(self.tok(tok) + self.place[t], h)
            tok = torch.multinomial(self.out(y[:, 0]).softmax(-1), 1)
            res.append(tok)
        return torch.cat(res, 1)


def main():
    torch.manual_seed(160)
    g = torch.Generator().manual_seed(161)
    train, val = pictures(1500, g), pictures(300, g)
    vae = VQVAE()
    opt = torch.optim.Adam(vae.parameters(), lr=3e-3)

    def recon():
        vae.eval()
        with torch.no_grad():
            y, _, idx = vae(val)
        vae.train()
        return F.mse_loss(y, val).item(), idx.unique().numel()

    print(f"stage 1: pixel variance {val.var():.4f}, untrained reconstruction mse {recon()[0]:.4f}")
    for ep in range(10):
        tot = 0.0
        for b in torch.randperm(len(train)).split(75):
            x = train[b]
            y, commit, _ = vae(x)
            loss = F.mse_loss(y, x) / 0.03 + 0.25 * commit
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item()
        mse, used = recon()
        print(f"  epoch {ep} loss {tot / 20:.3f} validation mse {mse:.4f} codes in use {used}/32")

    vae.eval().requires_grad_(False)
    codes, vcodes = vae(train)[2], vae(val)[2]
    prior = Prior()
    opt2 = torch.optim.AdamW(prior.parameters(), lr=6e-3, weight_decay=1e-2)
    steps = 260
    half = torch.optim.lr_scheduler.LambdaLR(opt2, lambda k: 0.5 * (1 + math.cos(math.pi * k / steps)))

    def bits():
        with torch.no_grad():
            return F.cross_entropy(prior(vcodes).flatten(0, 1), vcodes.flatten()).item() / math.log(2)

    print(f"stage 2: untrained prior {bits():.2f} bits per code (log2 32 = 5)")
    for k in range(1, steps + 1):
        b = torch.randint(0, len(codes), (64,))
        loss = F.cross_entropy(prior(codes[b]).flatten(0, 1), codes[b].flatten())
        opt2.zero_grad()
        loss.backward()
        opt2.step()
        half.step()
        if k % 65 == 0:
            print(f"  step {k} train {loss.item() / math.log(2):.2f} bits, validation {bits():.2f} bits")
    s = prior.sample(1)
    img = vae.dec(vae.book.emb[s].view(1, 4, 4, -1).permute(0, 3, 1, 2))[0, 0]
    for row in img[::2]:
        print("   ", "".join(" .:*#"[int((v.clamp(0, 1) * 4).round())] * 2 for v in row[::1]))


main()
