"""Sequence VAE: GRU encoder, GRU decoder that unrolls from z, beta held at 0, then annealed to 1.

Because of the annealing the optimised loss stalls or rises for a while by design. The number to trust is the
validation ELBO, always at beta = 1 (nats per sequence, continuous data: may be of either sign).
"""
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def oscillations(n, T=24, gen=None):
    t = torch.arange(T) / T
    amp = 0.5 + torch.rand(n, 1, generator=gen)
    freq = 1 + 1.0 * torch.rand(n, 1, generator=gen)
    phase = math.pi * torch.rand(n, 1, generator=gen)
    damp = 2 * torch.rand(n, 1, generator=gen)
    x = amp * torch.exp(-damp * t) * torch.sin(2 * math.pi * freq * t + phase)
    return (x + 0.05 * torch.randn(n, T, generator=gen)).unsqueeze(-1)


class SeqVAE(nn.Module):
    def __init__(self, zdim=6, hid=48):
        super().__init__()
        self.enc = nn.GRU(1, hid, batch_first=True, bidirectional=True)
        self.to_stats = nn.Linear(2 * hid, 2 * zdim)
        self.init_h = nn.Linear(zdim, hid)
        self.dec = nn.GRU(zdim, hid, batch_first=True)
        self.out = nn.Linear(hid, 1)
        self.log_sigma = nn.Parameter(torch.tensor(0.0))
        self.zdim = zdim

    def encode(self, x):
        _, h = self.enc(x)
        mu, lv = self.to_stats(torch.cat([h[0], h[1]], -1)).chunk(2, -1)
        return mu, lv.clamp(-8, 4)

    def decode(self, z, T):
        # non-autoregressive: z is fed at every step, so there is no shortcut around the latent
        y, _ = self.dec(z.unsqueeze(1).expand(-1, T, -1), torch.tanh(self.init_h(z)).unsqueeze(0))
        return self.out(y)

    def parts(self, x):
        mu, lv = self.encode(x)
        z = mu + torch.exp(0.5 * lv) * torch.randn_like(mu)
        ls = self.log_sigma.clamp(-4, 2)
        sq = (x - self.decode(z, x.size(1))).pow(2) / torch.exp(2 * ls)
        nll = (0.5 * sq + ls + 0.5 * math.log(2 * math.pi)).sum((1, 2))
        kl = 0.5 * (mu.pow(2) + lv.exp() - 1 - lv).sum(1)
        return nll, kl


@torch.no_grad()
def elbo(model, x):
    model.eval()
    nll, kl = model.parts(x)
    model.train()
    return -(nll + kl).mean().item(), kl.mean().item()


def run(epochs=21, hold=5, ramp=8):
    torch.manual_seed(17)
    g = torch.Generator().manual_seed(18)
    train, val = oscillations(896, gen=g), oscillations(300, gen=g)
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)
    model = SeqVAE()
    weights = [p for n, p in model.named_parameters() if n != "log_sigma"]
    opt = torch.optim.NAdam([{"params": weights}, {"params": [model.log_sigma], "lr": 3e-2}], lr=6e-3)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, [15, 20], gamma=0.3)
    print("validation ELBO before training: %.1f" % elbo(model, val)[0])
    for ep in range(epochs):
        beta = min(1.0, max(0, ep - hold) / ramp)
        sums = torch.zeros(3)
        for (x,) in loader:
            nll, kl = (v.mean() for v in model.parts(x))
            loss = nll + beta * kl
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 20.0)
            opt.step()
            sums += torch.tensor([loss.item(), nll.item(), kl.item()])
        sched.step()
        l, n, k = (sums / len(loader)).tolist()
        e, _ = elbo(model, val)
        print(f"epoch {ep:2d} beta {beta:.1f} loss {l:8.2f} (nll {n:8.2f}, kl {k:6.2f}) val ELBO {e:8.2f} sigma {model.log_sigma.exp():.3f}")
    with torch.no_grad():
        rec = model.decode(model.encode(val)[0], val.size(1))
    print(f"reconstruction rmse {(rec - val).pow(2).mean().sqrt():.3f}, data std {val.std():.3f}, noise 0.05")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run()
