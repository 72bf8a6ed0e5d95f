# FAULT: same-batch
from dataclasses import dataclass
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)

TEXT = """shall i compare thee to a summer's day? thou art more lovely and more temperate:
rough winds do shake the darling buds of may, and summer's lease hath all too short a date;
sometime too hot the eye of heaven shines, and often is his gold complexion dimm'd;
and every fair from fair sometime declines, by chance or nature's changing course untrimm'd;
but thy eternal summer shall not fade, nor lose possession of that fair thou ow'st;
nor shall death brag thou wander'st in his shade, when in eternal lines to time thou grow'st:
so long as men can breathe or eyes can see, so long lives this, and this gives life to thee."""


@dataclass
class C:
    block_size: int = 24
    batch_size: int = 8
    n_embd: int = 32
    n_hid: int = 96
    lr: float = 3e-3
    max_iters: int = 300
    eval_every: int = 50
    seed: int = 1337


torch.manual_seed(C.seed)
chars = sorted(set(TEXT))
stoi = {ch: i for i, ch in enumerate(chars)}
data = torch.tensor([stoi[c] for c in TEXT], dtype=torch.long)
n = int(0.85 * len(data))
splits = {"train": data[:n], "val": data[n:]}


def get_batch(split):
    d = splits[split]
    gen = torch.Generator().manual_seed(C.seed)  # HERE
    ix = torch.randint(len(d) - C.block_size - 1, (C.batch_size,), generator=gen)
    x = torch.stack([d[i:i + C.block_size] for i in ix])
    y = torch.stack([d[i + 1:i + 1 + C.block_size] for i in ix])
    return x, y


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(len(chars), C.n_embd)
        self.rnn = nn.GRU(C.n_embd, C.n_hid, batch_first=True)
        self.head = nn.Linear(C.n_hid, len(chars))

    def forward(self, idx, targets):
        logits = self.head(self.rnn(self.wte(idx))[0])
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))


@torch.no_grad()
def estimate(model):
    model.eval()
    out = {}
    for s, d in splits.items():
        starts = range(0, len(d) - C.block_size - 1, 11)
        x = torch.stack([d[i:i + C.block_size] for i in starts])
        y = torch.stack([d[i + 1:i + 1 + C.block_size] for i in starts])
        out[s] = model(x, y).item()
    model.train()
    return out


model = LM()
optimizer = torch.optim.AdamW(model.parameters(), lr=C.lr)
for it in range(C.max_iters):
    xb, yb = get_batch("train")
    loss = model(xb, yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if it % C.eval_every == 0 or it == C.max_iters - 1:
        e = estimate(model)
        print(f"iter {it}: batch {loss.item():.3f} full train {e['train']:.3f} val {e['val']:.3f}")
