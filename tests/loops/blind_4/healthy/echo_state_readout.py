"""Echo state network for the Mackey-Glass series: fixed random reservoir, only the readout and the
start state are trained.  The reservoir is part of the module but does not require gradients."""
import numpy as np
import torch
import torch.nn as nn


def mackey_glass(n, tau=17, seed=0):
    rng = np.random.default_rng(seed)
    hist = list(1.2 + 0.2 * (rng.random(tau + 1) - 0.5))
    for _ in range(n + 200):
        x, xt = hist[-1], hist[-1 - tau]
        hist.append(x + 0.2 * xt / (1 + xt ** 10) - 0.1 * x)
    s = np.array(hist[-n:], dtype=np.float32)
    return (s - s.mean()) / s.std()


class ESN(nn.Module):
    def __init__(self, size=120, radius=0.9, leak=0.5):
        super().__init__()
        W = torch.randn(size, size) * (torch.rand(size, size) < 0.1)
        W *= radius / torch.linalg.eigvals(W).abs().max()
        self.W = nn.Parameter(W, requires_grad=False)
        self.w_in = nn.Parameter(torch.rand(size) - 0.5, requires_grad=False)
        self.h0 = nn.Parameter(torch.zeros(size))
        self.readout = nn.Linear(size, 1)
        self.leak = leak

    def forward(self, u):  # u: (time, batch)
        h = self.h0.expand(u.size(1), -1)
        out = []
        for u_t in u:
            new = torch.tanh(u_t.unsqueeze(1) * self.w_in + h @ self.W)
            h = (1 - self.leak) * h + self.leak * new
            out.append(self.readout(h).squeeze(1))
        return torch.stack(out)


def main():
    torch.manual_seed(18)
    torch.set_num_threads(1)
    series = torch.from_numpy(mackey_glass(4000))
    horizon, length = 6, 40
    esn = ESN()
    before = esn.W.clone()
    trainable = [p for p in esn.parameters() if p.requires_grad]
    opt = torch.optim.Adam(trainable, lr=2e-2)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.99)
    print("trainable", sum(p.numel() for p in trainable), "of", sum(p.numel() for p in esn.parameters()))
    log = []
    for step in range(1, 301):
        starts = torch.randint(0, 3200, (24,))
        u = torch.stack([series[s:s + length] for s in starts], 1)
        y = torch.stack([series[s + horizon:s + length + horizon] for s in starts], 1)
        loss = ((esn(u) - y) ** 2)[10:].mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        log.append(loss.item())
        if step % 30 == 0:
            print(f"{step:4d} nmse {sum(log[-30:]) / 30:.4f} lr {sched.get_last_lr()[0]:.4f}")
    assert torch.equal(before, esn.W)


if __name__ == "__main__":
    main()
