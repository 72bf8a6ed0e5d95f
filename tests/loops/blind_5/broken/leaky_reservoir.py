# FAULT: changed-in-place
import numpy as np
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
np.random.seed(0)

# continuous-time style rnn (as used for modelling cortical circuits), all by hand
#   h[t+1] = (1 - a) h[t] + a tanh(h[t] W + u[t] V + b)

n_hid, n_in = 40, 1
alpha = 0.3
W = (torch.randn(n_hid, n_hid) * 1.2 / n_hid ** 0.5).requires_grad_()
V = torch.randn(n_in, n_hid).requires_grad_()
b = torch.zeros(n_hid, requires_grad=True)
R = (torch.randn(n_hid, 1) * 0.1).requires_grad_()
theta = [W, V, b, R]


def simulate(u):
    B, T, _ = u.shape
    h = torch.zeros(B, T + 1, n_hid)
    for t in range(T):
        h[:, t + 1] = (1 - alpha) * h[:, t] + alpha * torch.tanh(h[:, t] @ W + u[:, t] @ V + b)  # HERE
    return h[:, 1:] @ R


def trial(B=32, T=40):
    """click integration: output = sign of the summed clicks so far"""
    clicks = np.random.choice([-1.0, 0.0, 1.0], size=(B, T, 1), p=[0.1, 0.8, 0.1])
    z = np.tanh(np.cumsum(clicks, axis=1))
    return torch.tensor(clicks, dtype=torch.float32), torch.tensor(z, dtype=torch.float32)


optim = torch.optim.Adam(theta, lr=2e-3)
print("params:", sum(p.numel() for p in theta))
for k in range(400):
    u, z = trial()
    err = ((simulate(u) - z) ** 2).mean()
    optim.zero_grad()
    err.backward()
    optim.step()
    if k % 50 == 0 or k == 399:
        print("trial block %3d   mse %.4f" % (k, err.item()))
