# FAULT: step-never-called
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


@dataclass
class Config:
    vocab: int = 30
    tags: int = 3
    emb: int = 16
    hidden: int = 32
    batch_size: int = 16
    accum: int = 8
    lr: float = 3e-3
    epochs: int = 40
    seed: int = 11


class Tagger(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.emb = nn.Embedding(cfg.vocab, cfg.emb)
        self.rnn = nn.GRU(cfg.emb, cfg.hidden, batch_first=True, bidirectional=True)
        self.proj = nn.Linear(2 * cfg.hidden, cfg.tags)

    def forward(self, tokens):
        return self.proj(self.rnn(self.emb(tokens))[0])


def build(cfg, n):
    tok = torch.randint(0, cfg.vocab, (n, 12))
    prev = torch.roll(tok, 1, dims=1)
    prev[:, 0] = 0
    tag = (tok + prev) % cfg.tags
    return TensorDataset(tok, tag)


def train(cfg):
    torch.manual_seed(cfg.seed)
    loader = DataLoader(build(cfg, 96), batch_size=cfg.batch_size, shuffle=True)
    model = Tagger(cfg)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    for epoch in range(cfg.epochs):
        model.train()
        optimizer.zero_grad()
        total = 0.0
        for i, (tok, tag) in enumerate(loader):
            logits = model(tok)
            loss = F.cross_entropy(logits.flatten(0, 1), tag.flatten())
            (loss / cfg.accum).backward()
            total += loss.item()
            if (i + 1) % cfg.accum == 0:  # HERE
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
        if epoch % 5 == 0:
            print(f"epoch {epoch:3d}  mean loss {total / len(loader):.4f}")
    return model


if __name__ == "__main__":
    train(Config())
