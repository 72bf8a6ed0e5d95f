# FAULT: non-finite
"""Siamese network: do two noisy glyphs show the same character?"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(29)
torch.set_num_threads(1)

N_CLASS, PER_CLASS, SIDE = 10, 500, 10
prototypes = (torch.rand(N_CLASS, SIDE * SIDE) < 0.4).float()
labels = torch.arange(N_CLASS).repeat_interleave(PER_CLASS)
glyphs = prototypes[labels]
noise = (torch.rand_like(glyphs) < 0.15).float()
glyphs = (glyphs - noise).abs()


class Embedder(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(SIDE * SIDE, 64), nn.ReLU(),
            nn.Linear(64, 32), nn.ReLU(),
            nn.Linear(32, dim))

    def forward(self, a, b):
        diff = self.net(a) - self.net(b)
        return torch.sqrt((diff ** 2).sum(dim=1))  # HERE


def contrastive(dist, same, margin=1.5):
    pull = same * dist ** 2
    push = (1 - same) * F.relu(margin - dist) ** 2
    return (pull + push).mean()


def pairs(n):
    i = torch.randint(0, len(glyphs), (n,))
    j = torch.randint(0, len(glyphs), (n,))
    half = n // 2
    j[:half] = labels[i[:half]] * PER_CLASS + torch.randint(0, PER_CLASS, (half,))
    return i, j, (labels[i] == labels[j]).float()


net = Embedder()
opt = torch.optim.Adam(net.parameters(), lr=2e-4)
window = []
for step in range(1, 1501):
    i, j, same = pairs(8)
    dist = net(glyphs[i], glyphs[j])
    loss = contrastive(dist, same)
    opt.zero_grad()
    loss.backward()
    opt.step()
    window.append(loss.item())
    if step % 150 == 0:
        acc = ((dist < 0.75).float() == same).float().mean().item()
        print(f"step {step} loss {sum(window) / len(window):.4f} batch acc {acc:.2f}")
        window = []
