"""Second-order MAML on sine regression, functional forward with a dict of fast weights."""
import math
import torch
import torch.nn as nn
from torch.func import functional_call

torch.manual_seed(70)
torch.set_num_threads(1)

INNER_LR, TASKS, SHOTS = 0.05, 5, 10


class SineTask:
    def __init__(self):
        self.amp = 0.5 + 2.0 * torch.rand(())
        self.phase = math.pi * torch.rand(())

    def sample(self, n):
        x = torch.rand(n, 1) * 10 - 5
        return x, self.amp * torch.sin(x + self.phase)


net = nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))
mse = nn.MSELoss()


def adapt(params, task, steps, create_graph):
    x, y = task.sample(SHOTS)
    for _ in range(steps):
        loss = mse(functional_call(net, params, (x,)), y)
        grads = torch.autograd.grad(loss, list(params.values()), create_graph=create_graph)
        params = {k: p - INNER_LR * g for (k, p), g in zip(params.items(), grads)}
    return params


def test(n_tasks=20):
    base = {k: p.detach().requires_grad_(True) for k, p in net.named_parameters()}
    pre = post = 0.0
    for _ in range(n_tasks):
        task = SineTask()
        fast = adapt(base, task, 3, create_graph=False)
        x, y = task.sample(100)
        with torch.no_grad():
            pre += mse(net(x), y).item() / n_tasks
            post += mse(functional_call(net, fast, (x,)), y).item() / n_tasks
    return pre, post


meta_opt = torch.optim.Adam(net.parameters(), lr=3e-3)
history = []
for it in range(1, 501):
    meta_loss = 0.0
    for _ in range(TASKS):
        task = SineTask()
        fast = adapt(dict(net.named_parameters()), task, 1, create_graph=True)
        xq, yq = task.sample(SHOTS)
        meta_loss = meta_loss + mse(functional_call(net, fast, (xq,)), yq)
    meta_loss = meta_loss / TASKS
    meta_opt.zero_grad()
    meta_loss.backward()
    meta_opt.step()
    history.append(meta_loss.item())
    if it % 50 == 0:
        pre, post = test()
        print(f"meta step {it} query loss {sum(history[-50:]) / 50:.3f} | new tasks: before {pre:.2f} after 3 steps {post:.2f}")
