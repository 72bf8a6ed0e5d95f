"""Character GRU with gradient accumulation: three micro-batches of 5 make one update of 15."""
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
torch.manual_seed(0)

poem = ("tyger tyger burning bright in the forests of the night what immortal hand or eye "
        "could frame thy fearful symmetry in what distant deeps or skies burnt the fire of thine eyes ") * 10
chars = sorted(set(poem))
lookup = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([lookup[c] for c in poem])

MICRO, ACCUM, T = 5, 3, 20
UPDATES = 160


class PoemGRU(nn.Module):
    def __init__(self, v):
        super().__init__()
        self.emb = nn.Embedding(v, 24)
        self.gru = nn.GRU(24, 64, batch_first=True)
        self.out = nn.Linear(64, v)

    def forward(self, x):
        y, _ = self.gru(self.emb(x))
        return self.out(y)


def micro_batch():
    at = torch.randint(0, len(ids) - T - 1, (MICRO,))
    window = torch.stack([ids[a:a + T + 1] for a in at])
    return window[:, :-1], window[:, 1:]


net = PoemGRU(len(chars))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)

opt.zero_grad()
shown, done, micro = 0.0, 0, 0
while done < UPDATES:
    x, y = micro_batch()
    loss = F.cross_entropy(net(x).flatten(0, 1), y.flatten()) / ACCUM
    loss.backward()
    shown += loss.item()
    micro += 1
    if micro % ACCUM:
        continue
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    opt.zero_grad()
    done += 1
    if done % 40 == 0:
        print(f"update {done}: loss {shown / 40:.3f}")
        shown = 0.0
