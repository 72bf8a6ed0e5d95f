# FAULT: non-finite
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(21)

FAMILIES = [
    ["walk", "walks", "walked", "walking"],
    ["jump", "jumps", "jumped", "jumping"],
    ["cook", "cooks", "cooked", "cooking"],
    ["sing", "sings", "singer", "singing"],
    ["farm", "farms", "farmer", "farming"],
]
PAD = 26


def encode(w, width=8):
    ids = [ord(c) - 97 for c in w][:width]
    return ids + [PAD] * (width - len(ids))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(27, 12)
        self.gru = nn.GRU(12, 32, batch_first=True)
        self.proj = nn.Linear(32, 8)

    def forward(self, x):
        _, h = self.gru(self.emb(x))
        return self.proj(h.squeeze(0))


def rand(n):
    return torch.randint(0, n, (1,)).item()


def make_pairs(n):
    a, b, same = [], [], []
    for _ in range(n):
        f = rand(len(FAMILIES))
        positive = rand(2) == 0
        g = f if positive else (f + 1 + rand(len(FAMILIES) - 1)) % len(FAMILIES)
        a.append(encode(FAMILIES[f][rand(4)]))
        b.append(encode(FAMILIES[g][rand(4)]))
        same.append(float(positive))
    return torch.tensor(a), torch.tensor(b), torch.tensor(same)


def distance(u, v):
    return torch.sqrt(((u - v) ** 2).sum(dim=1))  # HERE


def contrastive_loss(u, v, same, margin=1.5):
    d = distance(u, v)
    return (same * d.pow(2) + (1 - same) * F.relu(margin - d).pow(2)).mean()


enc = Encoder()
opt = torch.optim.Adam(enc.parameters(), lr=2e-3)
for step in range(250):
    a, b, same = make_pairs(16)
    loss = contrastive_loss(enc(a), enc(b), same)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 25 == 0:
        print(step, loss.item())

with torch.no_grad():
    a, b, same = make_pairs(200)
    acc = ((distance(enc(a), enc(b)) < 0.75).float() == same).float().mean()
print("pair accuracy", acc.item())
