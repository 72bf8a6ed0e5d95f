"""Inverse physics-informed network: recover damping of u'' + c u' + k u = 0 from 12 noisy readings.

Stage 1 Adam, stage 2 L-BFGS with a strong-Wolfe line search; collocation points need second derivatives of the
network, so every loss evaluation contains two nested torch.autograd.grad calls. Double precision throughout.
"""
import math
import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
torch.manual_seed(70)

C_TRUE, K = 0.8, 16.0
w = math.sqrt(K - C_TRUE**2 / 4)


def exact(t):
    return torch.exp(-C_TRUE * t / 2) * (torch.cos(w * t) + C_TRUE / (2 * w) * torch.sin(w * t))


t_obs = torch.linspace(0.05, 2.4, 12)[:, None]
u_obs = exact(t_obs) + 0.01 * torch.randn(12, 1)
t_col = torch.linspace(0, 3, 80)[:, None].requires_grad_(True)
t_test = torch.linspace(0, 3, 301)[:, None]

net = torch.nn.Sequential(
    torch.nn.Linear(1, 24), torch.nn.Tanh(), torch.nn.Linear(24, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1)
)
raw_c = torch.nn.Parameter(torch.tensor(1.5))  # softplus keeps the damping positive


def damping():
    return torch.nn.functional.softplus(raw_c)


def losses():
    u = net(t_col)
    (du,) = torch.autograd.grad(u.sum(), t_col, create_graph=True)
    (ddu,) = torch.autograd.grad(du.sum(), t_col, create_graph=True)
    residual = (ddu + damping() * du + K * u) / K
    initial = (u[0, 0] - 1) ** 2 + (du[0, 0] / 4) ** 2
    data = (net(t_obs) - u_obs).pow(2).mean()
    return residual.pow(2).mean(), initial, data


def total():
    r, i, d = losses()
    return r + 5 * i + 5 * d


@torch.no_grad()
def rmse():
    return (net(t_test) - exact(t_test)).pow(2).mean().sqrt().item()


def say(tag):
    r, i, d = (v.item() for v in losses())
    print(f"{tag:12s} residual {r:.2e} initial {i:.2e} data {d:.2e} | c = {damping().item():.4f} rmse vs exact {rmse():.4f}")


everything = list(net.parameters()) + [raw_c]
say("start")
adam = torch.optim.Adam(everything, lr=5e-3)
for step in range(1, 1201):
    adam.zero_grad()
    loss = total()
    loss.backward()
    adam.step()
    if step % 300 == 0:
        say(f"adam {step}")

lbfgs = torch.optim.LBFGS(everything, lr=1.0, max_iter=10, history_size=40, line_search_fn="strong_wolfe",
                          tolerance_grad=1e-10, tolerance_change=1e-14)
evaluations = 0


def closure():
    global evaluations
    evaluations += 1
    lbfgs.zero_grad()
    loss = total()
    loss.backward()
    return loss


for outer in range(1, 61):
    lbfgs.step(closure)
    if outer % 15 == 0:
        say(f"lbfgs {outer}")
print(f"{evaluations} closure evaluations; damping estimate {damping().item():.4f}, truth {C_TRUE}")
