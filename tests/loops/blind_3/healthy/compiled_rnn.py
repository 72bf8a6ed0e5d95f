"""torch.compile with the eager backend around a tiny Elman network that learns binary addition, low bit first."""
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(50)

BITS = 5


class Adder(nn.Module):
    def __init__(self, hid=24):
        super().__init__()
        self.hid = hid
        self.inp = nn.Linear(2, hid)
        self.rec = nn.Linear(hid, hid, bias=False)
        self.out = nn.Linear(hid, 1)

    def forward(self, x):
        h = torch.zeros(x.shape[0], self.hid)
        ys = []
        for t in range(BITS):
            h = torch.tanh(self.inp(x[:, t]) + self.rec(h))
            ys.append(self.out(h))
        return torch.cat(ys, 1)


def to_bits(n):
    return torch.stack([(n >> k) & 1 for k in range(BITS)], 1).float()


def problems(n):
    a = torch.randint(0, 2 ** (BITS - 1), (n,))
    b = torch.randint(0, 2 ** (BITS - 1), (n,))
    return torch.stack([to_bits(a), to_bits(b)], 2), to_bits(a + b)


model = Adder()
fast = torch.compile(model, backend="eager")
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
lossf = nn.BCEWithLogitsLoss()
for i in range(1, 301):
    x, y = problems(64)
    loss = lossf(fast(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 50 == 0:
        print(i, f"{loss.item():.4f}")

with torch.no_grad():
    x, y = problems(64)
    print("sums right:", ((fast(x) > 0).float() == y).all(1).float().mean().item())
