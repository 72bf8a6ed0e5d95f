"""Echo state network: fixed random recurrent part, only the read-out is trained."""
import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
np.random.seed(1)
torch.manual_seed(1)


def narma(n):
    u = np.random.uniform(0, 0.5, n)
    y = np.zeros(n)
    for t in range(2, n):
        y[t] = 0.4 * y[t - 1] + 0.4 * y[t - 1] * y[t - 2] + 0.6 * u[t - 1] ** 3 + 0.1
    return torch.tensor(u, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class ESN(nn.Module):
    def __init__(self, n_res=120, radius=0.9):
        super().__init__()
        w = torch.randn(n_res, n_res) * (torch.rand(n_res, n_res) < 0.1)
        w = w * (radius / torch.linalg.eigvals(w).abs().max())
        self.reservoir = nn.RNN(1, n_res, batch_first=True)
        with torch.no_grad():
            self.reservoir.weight_hh_l0.copy_(w)
            self.reservoir.weight_ih_l0.uniform_(-1, 1)
            self.reservoir.bias_hh_l0.zero_()
        self.reservoir.requires_grad_(False)
        self.readout = nn.Linear(n_res, 1)

    def forward(self, u):
        states, _ = self.reservoir(u)
        return self.readout(states).squeeze(-1)


u, y = narma(1400)
mean, std = y[:1000].mean(), y[:1000].std()
y = (y - mean) / std
u = (u - 0.25) / 0.15

WASHOUT, SEG = 30, 80
esn = ESN()
opt = torch.optim.Adam(esn.readout.parameters(), lr=5e-3)
print("trainable:", [n for n, p in esn.named_parameters() if p.requires_grad])

for it in range(300):
    starts = np.random.randint(0, 1000 - SEG, size=8)
    ub = torch.stack([u[s:s + SEG] for s in starts]).unsqueeze(-1)
    yb = torch.stack([y[s:s + SEG] for s in starts])
    loss = ((esn(ub) - yb)[:, WASHOUT:] ** 2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 50 == 0:
        print("it", it, "mse", round(loss.item(), 4))

with torch.no_grad():
    test = esn(u[None, 1000:, None])[0, WASHOUT:]
    print("test nmse", ((test - y[1000 + WASHOUT:]) ** 2).mean().item())
