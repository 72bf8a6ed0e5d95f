"""RealNVP on a thin spiral; densities are above 1, so the negative log-likelihood goes below zero."""
import math
import torch
import torch.nn as nn

torch.manual_seed(303)
torch.set_num_threads(1)


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x.chunk(2, 1)
        if self.flip:
            a, b = b, a
        s, t = self.net(a).chunk(2, 1)
        s = 2 * torch.tanh(s / 2)
        b = b * s.exp() + t
        out = torch.cat([b, a] if self.flip else [a, b], 1)
        return out, s.squeeze(1)


class Flow(nn.Module):
    def __init__(self, layers=8):
        super().__init__()
        self.layers = nn.ModuleList(Coupling(i % 2 == 1) for i in range(layers))
        self.register_buffer("log2pi", torch.tensor(math.log(2 * math.pi)))

    def log_prob(self, x):
        logdet = 0.0
        for layer in self.layers:
            x, ld = layer(x)
            logdet = logdet + ld
        return -0.5 * (x ** 2).sum(1) - self.log2pi + logdet


def spiral(n):
    a = 0.3 + 2.2 * torch.rand(n).sqrt()
    xy = torch.stack([a * torch.cos(2 * a), a * torch.sin(2 * a)], 1) * 0.2
    return xy + 0.01 * torch.randn(n, 2)


flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=2e-3)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: min(1.0, (s + 1) / 50) * 0.5 ** (s / 500))
test = spiral(1000)
log = []
for step in range(1, 1001):
    nll = -flow.log_prob(spiral(128)).mean()
    optimizer.zero_grad(set_to_none=True)
    nll.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
    optimizer.step()
    schedule.step()
    log.append(nll.item())
    if step % 100 == 0:
        with torch.no_grad():
            t = -flow.log_prob(test).mean().item()
        print(f"step {step} train nll {sum(log[-100:]) / 100:+.3f} test nll {t:+.3f}")
