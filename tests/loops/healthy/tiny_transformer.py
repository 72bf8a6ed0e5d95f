"""A one-layer causal transformer over characters; embedding and output share their weights."""

import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812

torch.manual_seed(42)
torch.set_num_threads(1)
rng = random.Random(42)

# sums such as "13+29=42;"
problems = ((rng.randint(0, 19), rng.randint(0, 9)) for _ in range(3000))
corpus = "".join(f"{a}+{b}={a + b};" for a, b in problems)
itos = sorted(set(corpus))
stoi = {c: i for i, c in enumerate(itos)}
ids = torch.tensor([stoi[c] for c in corpus])

block_size, batch_size, d_model, n_head = 24, 16, 32, 4
max_iters, warmup = 170, 25


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(len(itos), d_model)
        self.pos = nn.Parameter(0.02 * torch.randn(block_size, d_model))
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.proj = nn.Linear(d_model, d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        self.ln1, self.ln2, self.ln_f = (nn.LayerNorm(d_model) for _ in range(3))
        self.head = nn.Linear(d_model, len(itos), bias=False)
        nn.init.normal_(self.tok.weight, std=0.1)
        self.head.weight = self.tok.weight
        self.register_buffer("mask", torch.tril(torch.ones(block_size, block_size)).bool())

    def attend(self, x):
        b, t, c = x.shape
        q, k, v = (z.view(b, t, n_head, c // n_head).transpose(1, 2) for z in self.qkv(x).chunk(3, dim=-1))
        att = (q @ k.transpose(-2, -1)) / math.sqrt(c // n_head)
        att = att.masked_fill(~self.mask[:t, :t], float("-inf")).softmax(-1)
        return self.proj((att @ v).transpose(1, 2).reshape(b, t, c))

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos[: idx.size(1)]
        x = x + self.attend(self.ln1(x))
        x = x + self.mlp(self.ln2(x))
        logits = self.head(self.ln_f(x))
        loss = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, loss


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.95))
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda it: min(1.0, it / warmup))

for it in range(max_iters):
    starts = torch.randint(0, len(ids) - block_size - 1, (batch_size,)).tolist()
    xb = torch.stack([ids[s : s + block_size] for s in starts])
    yb = torch.stack([ids[s + 1 : s + 1 + block_size] for s in starts])
    _, loss = model(xb, yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    if it % 40 == 0 or it == max_iters - 1:
        print(f"iter {it}: loss {loss.item():.4f}, lr {scheduler.get_last_lr()[0]:.4f}")
