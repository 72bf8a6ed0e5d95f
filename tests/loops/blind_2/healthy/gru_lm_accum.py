"""Character GRU on a stream of made-up recipes. Four micro-batches are accumulated per update."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
random.seed(10)
torch.manual_seed(10)

ACCUM = 4
BPTT = 16


def recipe():
    a, b = random.sample(["flour", "sugar", "butter", "milk", "salt", "honey"], 2)
    return f"mix {random.randint(1, 9)} g {a} with {b}, {random.choice(['bake', 'boil', 'fry'])} it.\n"


text = "".join(recipe() for _ in range(1000))
vocab = sorted(set(text))
enc = {c: i for i, c in enumerate(vocab)}
stream = torch.tensor([enc[c] for c in text])


class GRULM(nn.Module):
    def __init__(self, v, e=24, h=48):
        super().__init__()
        self.e = nn.Embedding(v, e)
        self.r = nn.GRU(e, h, batch_first=True)
        self.o = nn.Linear(h, v)

    def forward(self, x, h=None):
        y, h = self.r(self.e(x), h)
        return self.o(y), h


def stream_batches(ids, rows):
    n = (len(ids) - 1) // rows
    x, y = ids[:rows * n].view(rows, n), ids[1:rows * n + 1].view(rows, n)
    for i in range(0, n - BPTT + 1, BPTT):
        yield x[:, i:i + BPTT], y[:, i:i + BPTT]


model = GRULM(len(vocab))
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
optimizer.zero_grad()
updates = 0
for epoch in range(6):
    h, running, micro = None, 0.0, 0
    for x, y in stream_batches(stream, 16):
        logits, h = model(x, h)
        h = h.detach()
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten()) / ACCUM
        loss.backward()
        running += loss.item() * ACCUM
        micro += 1
        if micro % ACCUM == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            updates += 1
    if micro % ACCUM:  # what is left over at the end of the epoch
        for p in model.parameters():
            p.grad.mul_(ACCUM / (micro % ACCUM))
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        updates += 1
    print(f"epoch {epoch + 1} updates {updates} loss {running / micro:.4f}")
