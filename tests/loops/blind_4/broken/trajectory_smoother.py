# FAULT: changed-in-place
"""Denoise 2-D pedestrian trajectories with a plain recurrent filter written by hand."""
import torch
from torch import nn

torch.manual_seed(17)
torch.set_num_threads(1)


class RecurrentFilter(nn.Module):
    def __init__(self, n_in=2, n_hidden=32):
        super().__init__()
        self.n_hidden = n_hidden
        self.inp = nn.Linear(n_in, n_hidden)
        self.rec = nn.Linear(n_hidden, n_hidden, bias=False)
        self.out = nn.Linear(n_hidden, n_in)

    def forward(self, x):
        batch, length, _ = x.shape
        states = torch.zeros(batch, length + 1, self.n_hidden)
        for t in range(length):
            states[:, t + 1] = torch.tanh(self.inp(x[:, t]) + self.rec(states[:, t]))  # HERE
        return x + self.out(states[:, 1:])


def walkers(n, length=25):
    heading = torch.rand(n, 1) * 6.283
    turn = 0.1 * torch.randn(n, length).cumsum(1)
    angle = heading + turn
    vel = 0.1 * torch.stack([angle.cos(), angle.sin()], -1)
    clean = vel.cumsum(1)
    return clean + 0.15 * torch.randn_like(clean), clean


def main():
    net = RecurrentFilter()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    mse = nn.MSELoss()
    val_noisy, val_clean = walkers(256)
    print("raw error", mse(val_noisy, val_clean).item())
    for step in range(1, 801):
        noisy, clean = walkers(48)
        loss = mse(net(noisy), clean)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        if step % 100 == 0:
            with torch.no_grad():
                v = mse(net(val_noisy), val_clean).item()
            print(step, f"train {loss.item():.5f}", f"val {v:.5f}")


main()
