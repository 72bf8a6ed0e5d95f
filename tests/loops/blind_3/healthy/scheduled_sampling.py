"""Sequence-to-sequence sorting of digits with scheduled sampling (teacher forcing fades out)."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(5); random.seed(5)

N_SYM, LENGTH, START = 8, 4, 8


class Seq2Seq(nn.Module):
    def __init__(self, hid=64):
        super().__init__()
        self.emb = nn.Embedding(N_SYM + 1, 16)
        self.enc = nn.GRU(16, hid, batch_first=True)
        self.dec = nn.GRUCell(16, hid)
        self.out = nn.Linear(hid, N_SYM)

    def forward(self, src, tgt=None, teacher=0.0):
        _, h = self.enc(self.emb(src))
        h = h[0]
        tok = torch.full((src.size(0),), START)
        logits = []
        for t in range(LENGTH):
            h = self.dec(self.emb(tok), h)
            step = self.out(h)
            logits.append(step)
            if tgt is not None and random.random() < teacher:
                tok = tgt[:, t]
            else:
                tok = step.argmax(1)
        return torch.stack(logits, 1)


def pairs(n):
    src = torch.randint(0, N_SYM, (n, LENGTH))
    return src, src.sort(1).values


def exact(model):
    model.eval()
    with torch.no_grad():
        src, tgt = pairs(200)
        r = (model(src).argmax(-1) == tgt).all(1).float().mean().item()
    model.train()
    return r


model = Seq2Seq()
opt = torch.optim.Adam(model.parameters(), lr=5e-3)
TOTAL = 240
for i in range(TOTAL):
    teacher = max(0.0, 1.0 - 1.25 * i / TOTAL)
    src, tgt = pairs(48)
    logits = model(src, tgt, teacher)
    loss = F.cross_entropy(logits.flatten(0, 1), tgt.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    if (i + 1) % 50 == 0:
        print(f"{i + 1:3d} teacher {teacher:.2f} loss {loss.item():.3f} exact {exact(model):.2f}")
