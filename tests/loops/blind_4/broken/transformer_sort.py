# FAULT: learning-rate-too-high
"""Sort short digit lists with a tiny transformer encoder."""
from dataclasses import dataclass
import torch
import torch.nn as nn


@dataclass
class HParams:
    n_digits: int = 10
    length: int = 6
    d_model: int = 48
    heads: int = 4
    layers: int = 2
    batch: int = 32
    steps: int = 500
    learning_rate: float = 0.05  # HERE


class Sorter(nn.Module):
    def __init__(self, hp):
        super().__init__()
        self.tok = nn.Embedding(hp.n_digits, hp.d_model)
        self.pos = nn.Parameter(0.02 * torch.randn(1, hp.length, hp.d_model))
        layer = nn.TransformerEncoderLayer(hp.d_model, hp.heads, 2 * hp.d_model, dropout=0.0, batch_first=True)
        self.enc = nn.TransformerEncoder(layer, hp.layers)
        self.out = nn.Linear(hp.d_model, hp.n_digits)

    def forward(self, x):
        return self.out(self.enc(self.tok(x) + self.pos))


def main(hp):
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Sorter(hp)
    optimizer = torch.optim.Adam(model.parameters(), lr=hp.learning_rate)
    loss_fn = nn.CrossEntropyLoss()
    avg = 0.0
    for step in range(1, hp.steps + 1):
        x = torch.randint(0, hp.n_digits, (hp.batch, hp.length))
        y = x.sort(1).values
        logits = model(x)
        loss = loss_fn(logits.transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        avg += loss.item()
        if step % 50 == 0:
            acc = (logits.argmax(-1) == y).float().mean().item()
            print(f"step {step:4d} loss {avg / 50:.3f} acc {acc:.3f}")
            avg = 0.0


main(HParams())
