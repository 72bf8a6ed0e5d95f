"""SimCLR-like contrastive pretraining on wave forms + linear probe"""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(64)


class WaveForms:
    kinds = 4

    def __init__(self, length=32):
        self.t = torch.linspace(0, 4 * math.pi, length)

    def draw(self, n):
        y = torch.randint(0, self.kinds, (n,))
        t = self.t.expand(n, -1)
        s = torch.stack([torch.sin(t), torch.sign(torch.sin(t)), torch.sin(t) * torch.sin(2.5 * t), torch.sin(3 * t)], 1)
        return s[torch.arange(n), y], y

    def augment(self, x):
        shift = int(torch.randint(-2, 3, (1,)))
        x = torch.roll(x, shift, dims=1) * (0.7 + 0.6 * torch.rand(len(x), 1))
        return x + 0.25 * torch.randn_like(x)


class NTXent(nn.Module):
    def __init__(self, temperature):
        super().__init__()
        self.temperature = temperature

    def forward(self, a, b):
        z = F.normalize(torch.cat([a, b]), dim=1)
        sim = z @ z.t() / self.temperature
        n = len(a)
        sim = sim.masked_fill(torch.eye(2 * n, dtype=torch.bool), float("-inf"))
        target = (torch.arange(2 * n) + n) % (2 * n)
        return F.cross_entropy(sim, target)


waves = WaveForms()
backbone = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
projector = nn.Sequential(nn.ReLU(), nn.Linear(32, 16))
criterion = NTXent(0.3)
opt = torch.optim.AdamW([{"params": backbone.parameters(), "weight_decay": 1e-4}, {"params": projector.parameters(), "weight_decay": 0.0}], lr=3e-3)
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=300)
avg = 0.0
for step in range(1, 301):
    x, _ = waves.draw(32)
    loss = criterion(projector(backbone(waves.augment(x))), projector(backbone(waves.augment(x))))
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    avg += loss.item()
    if step % 50 == 0:
        print(f"contrastive {step}: {avg / 50:.4f}")
        avg = 0.0

backbone.requires_grad_(False)
probe = nn.Linear(32, WaveForms.kinds)
probe_opt = torch.optim.SGD(probe.parameters(), lr=0.5)
for step in range(1, 151):
    x, y = waves.draw(64)
    loss = F.cross_entropy(probe(backbone(waves.augment(x))), y)
    probe_opt.zero_grad()
    loss.backward()
    probe_opt.step()
    if step % 50 == 0 or step == 1:
        print(f"probe {step}: {loss.item():.4f}")
