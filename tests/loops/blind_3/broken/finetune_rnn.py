# FAULT: other-parameters
import copy
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(42)

ENGLISH = "the cat sat on the mat and the dog sat on the log while the sun was in the sky. " * 20
LATIN = "in principio erat verbum et verbum erat apud deum et deus erat verbum. " * 20
chars = sorted(set(ENGLISH + LATIN))
enc = {c: i for i, c in enumerate(chars)}


def encode(s):
    return torch.tensor([enc[c] for c in s])


class CharRNN(nn.Module):
    def __init__(self, v, e=24, h=64):
        super().__init__()
        self.e = nn.Embedding(v, e)
        self.r = nn.RNN(e, h, batch_first=True)
        self.o = nn.Linear(h, v)

    def forward(self, x):
        return self.o(self.r(self.e(x))[0])


def batch(d, bs=16, t=20):
    i = torch.randint(0, len(d) - t - 1, (bs,))
    return torch.stack([d[j:j + t] for j in i]), torch.stack([d[j + 1:j + t + 1] for j in i])


def fit(model, opt, d, steps, tag):
    lossf = nn.CrossEntropyLoss()
    model.train()
    for k in range(steps):
        x, y = batch(d)
        loss = lossf(model(x).transpose(1, 2), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if k % 30 == 0 or k == steps - 1:
            print(f"{tag} step {k:3d} loss {loss.item():.3f}")


base = CharRNN(len(chars))
opt = torch.optim.Adam(base.parameters(), lr=4e-3)
fit(base, opt, encode(ENGLISH), 150, "pretrain")

# keep the english model around for comparison, tune a copy on the new language
tuned = copy.deepcopy(base)
for group in opt.param_groups:
    group["lr"] = 2e-3
fit(tuned, opt, encode(LATIN), 200, "finetune")  # HERE

with torch.no_grad():
    x, y = batch(encode(LATIN), bs=64)
    for name, m in (("base", base), ("tuned", tuned)):
        print(name, "latin loss", nn.functional.cross_entropy(m(x).transpose(1, 2), y).item())
