"""BYOL on unlabelled waveforms with GRU encoders: online network + predictor chase a slowly moving target network.

No negatives; the target branch gets no gradient. The loss (2 - 2 cos) can fall for the wrong reason (collapse), hence
two diagnostics: spread of the normalised embedding, and a linear probe fitted on a small labelled set of noisy
recordings (noise is one of the augmentations; the unlabelled recordings themselves are clean).
"""
import copy
import math

import torch
from torch import nn
from torch.nn import functional as F


class SignalFactory:
    """four kinds of waveform at random pitch, phase, gain"""

    def __init__(self, seed, length=48):
        self.g, self.T = torch.Generator().manual_seed(seed), length

    def u(self, *s):
        return torch.rand(*s, generator=self.g)

    def make(self, n, noise=0.0):
        y = torch.randint(0, 4, (n,), generator=self.g)
        ph = (3 + 3 * self.u(n, 1)) * torch.arange(self.T) / self.T + self.u(n, 1)
        saw = 2 * (ph % 1) - 1
        table = torch.stack([torch.sin(2 * math.pi * ph), torch.sign(torch.sin(2 * math.pi * ph)), saw, -saw], 0)
        return table[y, torch.arange(n)] + noise * torch.randn(n, self.T, generator=self.g), y


def augment(x):
    n, T = x.shape
    crop = 36
    start = torch.randint(0, T - crop + 1, (n, 1))
    x = x.gather(1, start + torch.arange(crop))
    x = x * (0.5 + torch.rand(n, 1)) + 0.2 * torch.randn(n, 1)
    return x + 0.5 * torch.randn_like(x)


class Encoder(nn.Module):
    def __init__(self, hid=48):
        super().__init__()
        self.conv = nn.Conv1d(1, 24, 4, stride=2)
        self.gru = nn.GRU(24, hid, batch_first=True)

    def forward(self, x):
        z = F.relu(self.conv(x[:, None])).transpose(1, 2)
        return self.gru(z)[0].mean(1)


def projector(i, o=24, w=64):
    return nn.Sequential(nn.Linear(i, w), nn.BatchNorm1d(w), nn.ReLU(), nn.Linear(w, o))


def probe_accuracy(encoder, fit_set, test_set):
    """ridge-regularised softmax regression on frozen features, solved with L-BFGS"""
    encoder.eval()
    with torch.no_grad():
        a, b = encoder(fit_set[0]), encoder(test_set[0])
    encoder.train()
    mu, sd = a.mean(0), a.std(0) + 1e-5
    a, b = (a - mu) / sd, (b - mu) / sd
    W = torch.zeros(a.size(1) + 1, 4, requires_grad=True)
    add1 = lambda z: F.pad(z, (0, 1), value=1.0)  # noqa: E731
    solver = torch.optim.LBFGS([W], max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        solver.zero_grad()
        l = F.cross_entropy(add1(a) @ W, fit_set[1]) + 1e-2 * W.pow(2).sum()
        l.backward()
        return l

    solver.step(closure)
    return ((add1(b) @ W).argmax(1) == test_set[1]).float().mean().item()


def main(updates=240, batch=96):
    torch.set_num_threads(1)
    torch.manual_seed(130)
    stream, labelled, test = SignalFactory(131), SignalFactory(132).make(80, noise=0.5), SignalFactory(133).make(1000, noise=0.5)
    encoder = Encoder()
    online = nn.Sequential(encoder, projector(48))
    predictor = projector(24)
    target = copy.deepcopy(online)
    for p in target.parameters():
        p.requires_grad_(False)
    opt = torch.optim.AdamW([*online.parameters(), *predictor.parameters()], lr=8e-3, weight_decay=1e-4)
    print(f"linear probe on a random encoder: {probe_accuracy(encoder, labelled, test):.3f}")
    for k in range(1, updates + 1):
        x, _ = stream.make(batch)
        v1, v2 = augment(x), augment(x)
        p1, p2 = predictor(online(v1)), predictor(online(v2))
        with torch.no_grad():
            t1, t2 = target(v1), target(v2)
        loss = 2 - F.cosine_similarity(p1, t2).mean() - F.cosine_similarity(p2, t1).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        tau = 1 - 0.03 * (math.cos(math.pi * k / updates) + 1) / 2
        with torch.no_grad():
            for t, o in zip(target.parameters(), online.parameters()):
                t.mul_(tau).add_(o, alpha=1 - tau)
        if k % 40 == 0:
            spread = F.normalize(t1, dim=1).std(0).mean().item() * math.sqrt(t1.size(1))
            print(f"update {k} loss {loss.item():.3f} tau {tau:.4f} spread {spread:.2f} probe {probe_accuracy(encoder, labelled, test):.3f}")


if __name__ == "__main__":
    main()
