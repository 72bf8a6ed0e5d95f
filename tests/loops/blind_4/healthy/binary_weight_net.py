"""Network with weights in {-1, +1}: straight-through estimator as a custom autograd function,
latent weights clamped after each step, activations fake-quantised to 4 bits."""
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(16)
torch.set_num_threads(1)


class SignSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return torch.where(w >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, g):
        (w,) = ctx.saved_tensors
        return g * (w.abs() <= 1).float()


def fake_quant(x, bits=4):
    levels = 2 ** bits - 1
    q = torch.round(x.clamp(0, 1) * levels) / levels
    return x.clamp(0, 1) + (q - x.clamp(0, 1)).detach()


class BinaryLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in).uniform_(-0.3, 0.3))
        self.scale = nn.Parameter(torch.full((n_out,), n_in ** -0.5))

    def forward(self, x):
        return F.linear(x, SignSTE.apply(self.weight)) * self.scale


class BinaryNet(nn.Module):
    def __init__(self, n_in, n_class):
        super().__init__()
        self.l1, self.bn1 = BinaryLinear(n_in, 96), nn.BatchNorm1d(96)
        self.l2, self.bn2 = BinaryLinear(96, 96), nn.BatchNorm1d(96)
        self.l3 = nn.Linear(96, n_class)

    def forward(self, x):
        x = fake_quant(0.5 + 0.25 * self.bn1(self.l1(x)))
        x = fake_quant(0.5 + 0.25 * self.bn2(self.l2(x)))
        return self.l3(x)


centres = torch.randn(8, 2, 30)


def data(n):
    y = torch.randint(0, 8, (n,))
    return centres[y, torch.randint(0, 2, (n,))] + 1.1 * torch.randn(n, 30), y


xtr, ytr = data(3000)
xte, yte = data(800)
net = BinaryNet(30, 8)
latent = [m.weight for m in net.modules() if isinstance(m, BinaryLinear)]
others = [p for p in net.parameters() if all(p is not w for w in latent)]
opt = torch.optim.Adam([{"params": latent, "lr": 5e-3}, {"params": others, "lr": 2e-3}])
sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=22)

for epoch in range(1, 23):
    net.train()
    total, flips = 0.0, 0
    signs = [w.detach().sign() for w in latent]
    for idx in torch.randperm(len(xtr)).split(60):
        loss = F.cross_entropy(net(xtr[idx]), ytr[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for w in latent:
                w.clamp_(-1, 1)
        total += loss.item() * len(idx)
    sched.step()
    flips = sum((w.detach().sign() != s).sum().item() for w, s in zip(latent, signs))
    net.eval()
    with torch.no_grad():
        acc = (net(xte).argmax(1) == yte).float().mean().item()
    if epoch % 2 == 0:
        print(f"epoch {epoch:2d} loss {total / len(xtr):.3f} test acc {acc:.3f} sign flips {flips}")
