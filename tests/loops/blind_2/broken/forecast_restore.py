# FAULT: other-parameters
import copy
import math
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(11)

t = torch.arange(0, 1100).float()
series = torch.sin(0.13 * t) + 0.5 * torch.sin(0.031 * t + 1.0) + 0.1 * torch.randn(len(t))
train_s, val_s = series[:950], series[950:]
LOOKBACK = 16


def windows(s):
    w = s.unfold(0, LOOKBACK + 1, 1)
    return w[:, :-1].unsqueeze(-1), w[:, -1:]


class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.head(h[-1])


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        v = nn.functional.mse_loss(model(x), y).item()
    model.train()
    return v


xtr, ytr = windows(train_s)
xva, yva = windows(val_s)
model = Forecaster()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
best, best_model, halvings = math.inf, None, 0

for step in range(1, 321):
    idx = torch.randint(0, len(xtr), (8,))
    loss = nn.functional.mse_loss(model(xtr[idx]), ytr[idx])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

    if step % 10 == 0:
        val = evaluate(model, xva, yva)
        if val < best:
            best, best_model = val, copy.deepcopy(model)
        elif halvings < 4:
            model = copy.deepcopy(best_model)  # HERE
            halvings += 1
            for group in optimizer.param_groups:
                group["lr"] *= 0.5
        if step % 40 == 0:
            print(f"step {step:4d} train {loss.item():.4f} val {val:.4f} best {best:.4f} lr {optimizer.param_groups[0]['lr']:.4f}")
