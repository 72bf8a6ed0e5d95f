"""MAML by hand on sine regression: inner gradient steps on functional weights, outer Adam step through them."""
import math
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(40)


def init_weights(h=40):
    def lin(i, o):
        return [(torch.randn(o, i) * math.sqrt(2 / i)).requires_grad_(), torch.zeros(o, requires_grad=True)]
    return lin(1, h) + lin(h, h) + lin(h, 1)


def net(x, w):
    x = F.relu(F.linear(x, w[0], w[1]))
    x = F.relu(F.linear(x, w[2], w[3]))
    return F.linear(x, w[4], w[5])


def sample_task():
    amp = 0.5 + 2.0 * torch.rand(1)
    phase = math.pi * torch.rand(1)

    def draw(n):
        x = 10 * torch.rand(n, 1) - 5
        return x / 5, amp * torch.sin(x + phase)
    return draw


def adapt(w, x, y, steps, rate, create_graph):
    fast = w
    for _ in range(steps):
        loss = F.mse_loss(net(x, fast), y)
        grads = torch.autograd.grad(loss, fast, create_graph=create_graph)
        fast = [p - rate * g for p, g in zip(fast, grads)]
    return fast


meta = init_weights()
outer = torch.optim.Adam(meta, lr=5e-3)
window = []
for it in range(1, 241):
    total = 0.0
    for _ in range(3):
        draw = sample_task()
        xs, ys = draw(10)
        xq, yq = draw(15)
        fast = adapt(meta, xs, ys, steps=2, rate=0.05, create_graph=True)
        total = total + F.mse_loss(net(xq, fast), yq)
    loss = total / 3
    outer.zero_grad()
    loss.backward()
    outer.step()
    window.append(loss.item())
    if it % 60 == 0:
        print(f"meta step {it}: query loss after adaptation {sum(window[-60:]) / 60:.3f}")
