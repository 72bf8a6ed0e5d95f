# FAULT: targets-shifted
import math
import random
import torch
import torch.nn as nn
from torch.nn import functional as F
from torch.utils.data import Dataset, DataLoader


class CharDataset(Dataset):
    def __init__(self, text, block_size):
        self.vocab = sorted(set(text))
        self.stoi = {c: i for i, c in enumerate(self.vocab)}
        self.data = torch.tensor([self.stoi[c] for c in text])
        self.block_size = block_size

    def __len__(self):
        return len(self.data) - self.block_size - 1

    def __getitem__(self, i):
        chunk = self.data[i:i + self.block_size + 1]
        return chunk[:-1], chunk[1:]


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.h = heads
        self.ln1, self.ln2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (z.view(B, T, self.h, C // self.h).transpose(1, 2) for z in self.qkv(self.ln1(x)).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln2(x))


class TinyGPT(nn.Module):
    def __init__(self, vocab, block_size, d=48, layers=2, heads=4):
        super().__init__()
        self.tok, self.pos = nn.Embedding(vocab, d), nn.Embedding(block_size, d)
        self.blocks = nn.Sequential(*[Block(d, heads) for _ in range(layers)])
        self.ln_f, self.head = nn.LayerNorm(d), nn.Linear(d, vocab, bias=False)

    def forward(self, idx, targets=None):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        logits = self.head(self.ln_f(self.blocks(x)))
        if targets is None:
            return logits, None
        shift_logits = logits[:, :-1].contiguous()
        shift_labels = targets[:, 1:].contiguous()  # HERE
        return logits, F.cross_entropy(shift_logits.view(-1, shift_logits.size(-1)), shift_labels.view(-1))

    @torch.no_grad()
    def generate(self, idx, n, block):
        for _ in range(n):
            logits, _ = self(idx[:, -block:])
            idx = torch.cat([idx, torch.multinomial(logits[:, -1].softmax(-1), 1)], 1)
        return idx


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1337)
    random.seed(1337)
    text = " ".join(random.choice(["hello", "world", "sunny", "river", "mango", "piano"]) for _ in range(3000))
    ds = CharDataset(text, 24)
    loader = iter(DataLoader(ds, batch_size=24, sampler=torch.utils.data.RandomSampler(ds, replacement=True, num_samples=10 ** 6)))
    model = TinyGPT(len(ds.vocab), 24)
    opt = torch.optim.AdamW(model.parameters(), lr=2e-3, betas=(0.9, 0.95))
    for it in range(200):
        x, y = next(loader)
        _, loss = model(x, y)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if it % 40 == 0 or it == 199:
            print(it, round(loss.item(), 4), "of", round(math.log(len(ds.vocab)), 3))
    print("".join(ds.vocab[i] for i in model.generate(torch.tensor([[ds.stoi["h"]]]), 60, 24)[0]))


if __name__ == "__main__":
    main()
