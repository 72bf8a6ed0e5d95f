# FAULT: training-in-eval-mode
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(9)


def make_signals(n):
    """temperature-like traces around 60; class = slow, fast, or mixed oscillation"""
    y = torch.randint(0, 3, (n,))
    t = torch.linspace(0, 6.28, 48)
    phase = torch.rand(n, 1) * 6.28
    slow, fast = torch.sin(2 * t + phase), torch.sin(7 * t + phase)
    w = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.6]])[y]
    x = 60 + 8 * torch.randn(n, 1) + 3 * (w[:, :1] * slow + w[:, 1:] * fast) + 0.8 * torch.randn(n, 48)
    return x.unsqueeze(1), y


def block(i, o):
    return nn.Sequential(nn.Conv1d(i, o, 5, padding=2, bias=False), nn.BatchNorm1d(o), nn.ReLU())


class ConvNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(1)
        self.b1, self.b2, self.b3 = block(1, 12), block(12, 24), block(24, 24)
        self.fc = nn.Linear(24, 3)

    def forward(self, x):
        x = self.b1(self.norm(x))
        x = self.b2(F.max_pool1d(x, 2))
        x = self.b3(F.max_pool1d(x, 2))
        return self.fc(x.mean(-1))


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def fit(model, data, val, epochs=14, bs=32):
    opt = torch.optim.SGD(model.parameters(), lr=0.005, momentum=0.9)
    x, y = data
    print("sanity check: loss %.3f acc %.3f" % evaluate(model, *val))
    for ep in range(epochs):
        tot = 0.0
        for j in torch.randperm(len(x)).split(bs):  # HERE
            opt.zero_grad()
            loss = F.cross_entropy(model(x[j]), y[j])
            loss.backward()
            opt.step()
            tot += loss.item() * len(j)
        print(f"epoch {ep:2d} train {tot / len(x):.3f}  val loss %.3f acc %.3f" % evaluate(model, *val))


fit(ConvNet(), make_signals(512), make_signals(128))
