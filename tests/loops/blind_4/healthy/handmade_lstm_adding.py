"""LSTM from scratch (one fused weight matrix, forget bias 1) on the adding problem."""
import math
import torch
import torch.nn as nn

torch.manual_seed(123)
torch.set_num_threads(1)


class ScratchLSTM(nn.Module):
    def __init__(self, n_in, n_hid):
        super().__init__()
        self.n_hid = n_hid
        self.W = nn.Parameter(torch.empty(n_in + n_hid, 4 * n_hid))
        self.b = nn.Parameter(torch.zeros(4 * n_hid))
        bound = 1 / math.sqrt(n_hid)
        nn.init.uniform_(self.W, -bound, bound)
        with torch.no_grad():
            self.b[n_hid:2 * n_hid].fill_(1.0)

    def forward(self, x):
        h = x.new_zeros(x.size(1), self.n_hid)
        c = x.new_zeros(x.size(1), self.n_hid)
        hs = []
        for x_t in x:
            gates = torch.cat([x_t, h], 1) @ self.W + self.b
            i, f, o, g = gates.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            hs.append(h)
        return torch.stack(hs)


class Adder(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = ScratchLSTM(2, 32)
        self.fc = nn.Linear(32, 1)

    def forward(self, x):
        return self.fc(self.rnn(x)[-1])


def make_batch(n, length=16):
    v = torch.rand(length, n)
    m = torch.zeros(length, n)
    cols = torch.arange(n)
    m[torch.randint(0, length // 2, (n,)), cols] = 1
    m[torch.randint(length // 2, length, (n,)), cols] = 1
    return torch.stack([v, m], -1), (v * m).sum(0).unsqueeze(1)


net = Adder()
opt = torch.optim.Adam(net.parameters(), lr=8e-3)
norms, losses = [], []
for step in range(1, 701):
    x, y = make_batch(32)
    loss = ((net(x) - y) ** 2).mean()
    opt.zero_grad()
    loss.backward()
    norms.append(nn.utils.clip_grad_norm_(net.parameters(), 1.0).item())
    opt.step()
    losses.append(loss.item())
    if step % 70 == 0:
        print(f"{step:5d} mse {sum(losses[-70:]) / 70:.4f} mean grad norm before clipping {sum(norms[-70:]) / 70:.3f}")
