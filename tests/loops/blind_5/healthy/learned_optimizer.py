"""Learning to learn by gradient descent by gradient descent (Andrychowicz et al. 2016), tiny.

A coordinate-wise LSTM proposes the updates of small least-squares problems. Unrolls of 20 steps: both the LSTM
states and the optimisee's coordinates are detached between unrolls, kept within an episode of 60 steps, and thrown
away after it.
"""
import copy

import torch
import torch.nn as nn

torch.set_num_threads(1)


class Problems:
    """a bunch of random least squares problems f(x) = |W x - y|^2 / dim, started at x = N(0, 1)"""

    def __init__(self, n, dim, g):
        self.W = torch.randn(n, dim, dim, generator=g) / dim**0.5
        self.y = torch.randn(n, dim, generator=g)
        self.x0 = torch.randn(n, dim, generator=g)

    def value(self, x):
        return (torch.einsum("bij,bj->bi", self.W, x) - self.y).pow(2).mean(1)

    def gradient(self, x):
        """derivative of the value w.r.t. x, as a constant (first-order scheme of the paper)"""
        x = x.detach().requires_grad_(True)
        with torch.enable_grad():
            (g,) = torch.autograd.grad(self.value(x).sum(), x)
        return g


def preprocess(g, p=6.0):
    big = g.abs() >= torch.exp(torch.tensor(-p))
    a = torch.where(big, g.abs().clamp(min=1e-12).log() / p, -torch.ones_like(g))
    b = torch.where(big, g.sign(), g * torch.exp(torch.tensor(p)))
    return torch.stack([a, b], -1)


class LSTMOptimizer(nn.Module):
    def __init__(self, h=16):
        super().__init__()
        self.h = h
        self.l1, self.l2, self.out = nn.LSTMCell(2, h), nn.LSTMCell(h, h), nn.Linear(h, 1)
        nn.init.zeros_(self.out.bias)
        self.out.weight.data.mul_(0.1)

    def start(self, coords):
        z = lambda: torch.zeros(coords, self.h)  # noqa: E731
        return (z(), z()), (z(), z())

    def forward(self, g, state):
        s1 = self.l1(preprocess(g.flatten()), state[0])
        s2 = self.l2(s1[0], state[1])
        return 0.1 * self.out(s2[0]).view_as(g), (s1, s2)


def detached(state):
    return tuple((h.detach(), c.detach()) for h, c in state)


@torch.no_grad()
def deploy(net, prob, steps=60):
    x, state = prob.x0, net.start(prob.x0.numel())
    for _ in range(steps):
        d, state = net(prob.gradient(x), state)
        x = x + d
    return prob.value(x).mean().item()


def classic(make, prob, steps=60):
    x = prob.x0.clone().requires_grad_(True)
    o = make([x])
    for _ in range(steps):
        o.zero_grad()
        prob.value(x).sum().backward()
        o.step()
    return prob.value(x).mean().item()


def meta_train(updates=180, unroll=20, horizon=60):
    torch.manual_seed(200)
    g = torch.Generator().manual_seed(201)
    val, test = Problems(64, 8, g), Problems(128, 8, g)
    net = LSTMOptimizer()
    meta = torch.optim.Adam(net.parameters(), lr=8e-3)
    sched = torch.optim.lr_scheduler.ExponentialLR(meta, 0.993)
    print(f"problems start at {val.value(val.x0).mean():.3f}; with the untrained optimiser after 60 steps {deploy(net, val):.3f}")
    best, keep, k = float("inf"), None, 0
    while k < updates:
        prob = Problems(16, 8, g)
        x, state, curve = prob.x0, net.start(prob.x0.numel()), []
        for _ in range(horizon // unroll):
            x, state, total = x.detach(), detached(state), 0.0
            for _ in range(unroll):
                d, state = net(prob.gradient(x), state)
                x = x + d
                total = total + prob.value(x).mean()
            loss = total / unroll
            meta.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            meta.step()
            sched.step()
            curve.append(round(loss.item(), 3))
            k += 1
        if (k // 3) % 10 == 0:
            v = deploy(net, val)
            mark = ""
            if v < best:
                best, keep, mark = v, copy.deepcopy(net.state_dict()), " *"
            print(f"meta update {k:3d}: loss in the consecutive unrolls of the last episode {curve}, validation final value {v:.4f}{mark}")
    net.load_state_dict(keep)
    print(f"test problems, 60 steps: learned {deploy(net, test):.4f} | "
          + " | ".join(f"{n} {min(classic(lambda p: c(p, lr=lr), test) for lr in (0.03, 0.1, 0.3)):.4f}"
                       for n, c in (("sgd", torch.optim.SGD), ("adam", torch.optim.Adam)))
          + f" (best of 3 rates), start {test.value(test.x0).mean():.3f}")


if __name__ == "__main__":
    meta_train()
