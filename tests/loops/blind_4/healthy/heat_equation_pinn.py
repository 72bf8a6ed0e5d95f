"""Physics-informed network for u'' = -pi^2 sin(pi x), u(-1) = u(1) = 0: Adam first, then L-BFGS."""
import math
import torch
import torch.nn as nn

torch.manual_seed(90)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

net = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))
boundary = torch.tensor([[-1.0], [1.0]])
grid = torch.linspace(-1, 1, 201).unsqueeze(1)
exact = torch.sin(math.pi * grid)


def residual(x):
    x = x.requires_grad_(True)
    u = net(x)
    (du,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    (d2u,) = torch.autograd.grad(du.sum(), x, create_graph=True)
    return d2u + math.pi ** 2 * torch.sin(math.pi * x)


def objective(x):
    return residual(x).pow(2).mean() + 20.0 * net(boundary).pow(2).mean()


def error():
    with torch.no_grad():
        return (net(grid) - exact).abs().max().item()


adam = torch.optim.Adam(net.parameters(), lr=3e-3)
for step in range(1, 901):
    adam.zero_grad()
    loss = objective(torch.rand(64, 1) * 2 - 1)
    loss.backward()
    adam.step()
    if step % 150 == 0:
        print(f"adam {step} loss {loss.item():.4e} max error {error():.4f}")

fixed = torch.linspace(-1, 1, 100).unsqueeze(1)
lbfgs = torch.optim.LBFGS(net.parameters(), max_iter=10, history_size=20, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = objective(fixed.clone())
    loss.backward()
    return loss


for step in range(1, 16):
    loss = lbfgs.step(closure)
    if step % 3 == 0:
        print(f"lbfgs {step} loss {loss.item():.4e} max error {error():.6f}")
