"""Sharpness-aware minimisation (two forward/backward passes per update) for an imbalanced, partly mislabelled
sequence classification task."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base, rho=0.05, **kw):
        super().__init__(params, dict(rho=rho, **kw))
        self.base = base(self.param_groups, **kw)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def climb(self):
        norm = torch.stack([p.grad.norm() for g in self.param_groups for p in g["params"] if p.grad is not None]).norm()
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is None:
                    continue
                e = p.grad * (g["rho"] / (norm + 1e-12))
                p.add_(e)
                self.state[p]["e"] = e
        self.zero_grad()

    @torch.no_grad()
    def descend(self):
        for g in self.param_groups:
            for p in g["params"]:
                if "e" in self.state[p]:
                    p.sub_(self.state[p].pop("e"))
        self.base.step()
        self.zero_grad()

    def step(self, closure):
        with torch.enable_grad():
            first = closure()
        self.climb()
        with torch.enable_grad():
            closure()
        self.descend()
        return first


class Clf(nn.Module):
    def __init__(self, n_cls):
        super().__init__()
        self.gru = nn.GRU(2, 32, batch_first=True)
        self.fc = nn.Linear(64, n_cls)

    def forward(self, x):
        y, h = self.gru(x)
        return self.fc(torch.cat([h[-1], y.mean(1)], 1))


def gestures(n, g):
    """clockwise circle / counter-clockwise circle / figure eight, drawn at random speed and offset"""
    cls = torch.multinomial(torch.tensor([0.7, 0.2, 0.1]), n, replacement=True, generator=g)
    t = torch.linspace(0, 1, 25)[None]
    w = (6.28 * (0.8 + 0.5 * torch.rand(n, 1, generator=g))) * t + 6.28 * torch.rand(n, 1, generator=g)
    sign = torch.where(cls == 1, -1.0, 1.0)[:, None]
    x, y = torch.cos(w), sign * torch.sin(w)
    y = torch.where((cls == 2)[:, None], torch.sin(2 * w), y)
    xy = torch.stack([x, y], -1) + 0.3 * torch.randn(n, 25, 2, generator=g)
    return xy + 0.3 * torch.randn(n, 1, 2, generator=g), cls


def report(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
    model.train()
    recall = [(out.argmax(1)[y == c] == c).float().mean().item() for c in range(3)]
    return F.cross_entropy(out, y).item(), sum(recall) / 3, recall


def top_curvature(model, x, y, weight, iters=15):
    """largest Hessian eigenvalue of the training loss, power iteration with Hessian-vector products"""
    params = [p for p in model.parameters() if p.requires_grad]
    loss = F.cross_entropy(model(x), y, weight=weight)
    grads = torch.autograd.grad(loss, params, create_graph=True)
    gen = torch.Generator().manual_seed(0)
    v = [torch.randn(p.shape, generator=gen) for p in params]
    lam = 0.0
    for _ in range(iters):
        n = torch.sqrt(sum((a * a).sum() for a in v))
        v = [a / n for a in v]
        hv = torch.autograd.grad(grads, params, grad_outputs=v, retain_graph=True)
        lam = sum((a * b).sum() for a, b in zip(v, hv)).item()
        v = hv
    return lam


def main():
    torch.set_num_threads(1)
    torch.manual_seed(60)
    g = torch.Generator().manual_seed(61)
    x, y = gestures(1600, g)
    flip = torch.rand(len(y), generator=g) < 0.08
    y_noisy = torch.where(flip, torch.randint(0, 3, y.shape, generator=g), y)  # annotation errors, train only
    xt, yt = gestures(900, g)
    counts = torch.bincount(y_noisy, minlength=3).float()
    weight = counts.sum() / (3 * counts)

    model = Clf(3)
    opt = SAM(model.parameters(), torch.optim.AdamW, rho=0.05, lr=5e-3, weight_decay=1e-3)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt.base, T_max=10)
    dl = DataLoader(TensorDataset(x, y_noisy), batch_size=64, shuffle=True)
    print("class counts", counts.int().tolist(), "weights", [round(w, 2) for w in weight.tolist()])
    print("start: test ce %.3f, balanced accuracy %.3f" % report(model, xt, yt)[:2])
    print(f"curvature at the start {top_curvature(model, x[:300], y_noisy[:300], weight):.2f}")
    for ep in range(10):
        tot = 0.0
        for xb, yb in dl:

            def closure():
                loss = F.cross_entropy(model(xb), yb, weight=weight)
                loss.backward()
                return loss

            tot += opt.step(closure).item()
        sched.step()
        ce, bal, rec = report(model, xt, yt)
        print(f"epoch {ep+1:2d} weighted train ce {tot/len(dl):.3f} | clean test ce {ce:.3f} balanced acc {bal:.3f} recalls {[round(r, 2) for r in rec]}")
    print(f"curvature at the end {top_curvature(model, x[:300], y_noisy[:300], weight):.2f}")


main()
