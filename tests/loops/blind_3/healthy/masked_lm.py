"""Masked language modelling with a bidirectional GRU: most targets are -100 and only the hidden words count.
Embeddings, body and head have their own learning rates; a hook clamps the gradients of the embeddings."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(60)

CHAIN = {"king": "rules", "rules": "land", "land": "feeds", "feeds": "people", "people": "praise", "praise": "king"}
WORDS = list(CHAIN)
MASK = len(WORDS)
succ = torch.tensor([WORDS.index(CHAIN[w]) for w in WORDS])


def sentences(n, length=8):
    tok = torch.randint(0, len(WORDS), (n, 1))
    cols = [tok]
    for _ in range(length - 1):
        jump = torch.rand(n, 1) < 0.05
        tok = torch.where(jump, torch.randint(0, len(WORDS), (n, 1)), succ[tok])
        cols.append(tok)
    return torch.cat(cols, 1)


def mask(x, p=0.2):
    hide = torch.rand(x.shape) < p
    hide[:, 0] |= ~hide.any(1)
    labels = x.masked_fill(~hide, -100)
    swap = torch.rand(x.shape) < 0.1
    inp = torch.where(hide & ~swap, torch.full_like(x, MASK), x)
    return inp, labels


class BiMLM(nn.Module):
    def __init__(self, d=24, h=32):
        super().__init__()
        self.embed = nn.Embedding(len(WORDS) + 1, d)
        self.body = nn.GRU(d, h, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Linear(2 * h, d), nn.GELU(), nn.LayerNorm(d), nn.Linear(d, len(WORDS)))

    def forward(self, x):
        return self.head(self.body(self.embed(x))[0])


net = BiMLM()
net.embed.weight.register_hook(lambda g: g.clamp(-0.5, 0.5))
opt = torch.optim.AdamW([
    {"params": net.embed.parameters(), "lr": 1e-3},
    {"params": net.body.parameters(), "lr": 3e-3},
    {"params": net.head.parameters(), "lr": 6e-3},
])
for step in range(1, 261):
    inp, labels = mask(sentences(32))
    logits = net(inp)
    loss = F.cross_entropy(logits.transpose(1, 2), labels, ignore_index=-100)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 52 == 0:
        known = labels != -100
        acc = (logits.argmax(-1)[known] == labels[known]).float().mean().item()
        print(f"step {step} loss {loss.item():.3f} masked accuracy {acc:.2f}")
