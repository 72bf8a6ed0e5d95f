from dataclasses import dataclass
import math
import torch
import torch.nn as nn

torch.set_num_threads(1)


@dataclass
class Args:
    dim: int = 48
    seq: int = 16
    bsz: int = 16
    steps: int = 260
    warmup: int = 30
    lr: float = 1e-2
    clip: float = 0.5
    dropout: float = 0.1


SENTENCES = ["the farmer plants the corn in the spring", "the miller grinds the corn in the mill",
             "the baker bakes the bread in the morning", "the merchant sells the bread in the town",
             "the children eat the bread with the honey", "the farmer buys the honey in the town"]


class TiedLSTM(nn.Module):
    """Input embedding and output projection are one and the same matrix."""

    def __init__(self, v, a):
        super().__init__()
        self.encoder = nn.Embedding(v, a.dim)
        nn.init.normal_(self.encoder.weight, std=0.1)
        self.drop = nn.Dropout(a.dropout)
        self.lstm = nn.LSTM(a.dim, a.dim, batch_first=True)
        self.decoder = nn.Linear(a.dim, v)
        self.decoder.weight = self.encoder.weight

    def forward(self, x):
        h, _ = self.lstm(self.drop(self.encoder(x)))
        return self.decoder(self.drop(h))


def rate_factor(step, a):
    if step < a.warmup:
        return (step + 1) / a.warmup
    return 0.5 * (1 + math.cos(math.pi * (step - a.warmup) / (a.steps - a.warmup)))


def main(a=Args()):
    torch.manual_seed(10)
    order = torch.randint(0, len(SENTENCES), (300,)).tolist()
    words = " . ".join(SENTENCES[k] for k in order).split()
    itos = sorted(set(words))
    ids = torch.tensor([itos.index(w) for w in words])
    model = TiedLSTM(len(itos), a)
    opt = torch.optim.AdamW(model.parameters(), lr=a.lr, weight_decay=0.01)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: rate_factor(s, a))
    model.train()
    for step in range(a.steps):
        i = torch.randint(0, len(ids) - a.seq - 1, (a.bsz,))
        w = torch.stack([ids[j:j + a.seq + 1] for j in i])
        loss = nn.functional.cross_entropy(model(w[:, :-1]).flatten(0, 1), w[:, 1:].flatten())
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), a.clip)
        opt.step()
        sched.step()
        if (step + 1) % 52 == 0:
            print(f"step {step + 1} lr {sched.get_last_lr()[0]:.5f} loss {loss.item():.3f} ppl {math.exp(loss.item()):.2f}")


if __name__ == "__main__":
    main()
