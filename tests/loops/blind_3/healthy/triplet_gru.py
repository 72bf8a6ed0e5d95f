import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(9)

# rhythms: six base patterns, each heard with jitter and dropped beats
BASES = torch.randint(0, 2, (6, 16)).float()


def hear(label):
    x = BASES[label].clone()
    flip = torch.rand(x.shape) < 0.05
    x[flip] = 1 - x[flip]
    return x.unsqueeze(-1) + 0.1 * torch.randn(*x.shape, 1)


class RhythmEncoder(nn.Module):
    def __init__(self, hid=32, dim=8):
        super().__init__()
        self.gru = nn.GRU(1, hid, batch_first=True)
        self.proj = nn.Linear(hid, dim)

    def forward(self, x):
        _, h = self.gru(x)
        return F.normalize(self.proj(h[-1]), dim=1)


def triplets(n):
    pos = torch.randint(0, 6, (n,))
    neg = (pos + torch.randint(1, 6, (n,))) % 6
    return hear(pos), hear(pos), hear(neg)


encoder = RhythmEncoder()
triplet = nn.TripletMarginLoss(margin=0.5)
optimizer = torch.optim.Adam(encoder.parameters(), lr=4e-3)

for step in range(241):
    a, p, n = triplets(24)
    za, zp, zn = encoder(torch.cat([a, p, n])).chunk(3)
    loss = triplet(za, zp, zn)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        encoder.eval()
        with torch.no_grad():
            gallery = encoder(hear(torch.arange(6).repeat(4))).view(4, 6, -1).mean(0)
            q = torch.randint(0, 6, (120,))
            hit = (encoder(hear(q)) @ gallery.t()).argmax(1).eq(q).float().mean()
        encoder.train()
        print(f"step {step:3d} loss {loss.item():.3f} retrieval {hit:.2f}")
