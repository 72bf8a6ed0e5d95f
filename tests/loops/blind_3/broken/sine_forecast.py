# FAULT: broadcast
import math
import torch
from torch import nn

torch.set_num_threads(1)


class Forecaster(nn.Module):
    """GRU over a window of past readings, linear read-out of the next reading."""

    def __init__(self, hidden: int = 32):
        super().__init__()
        self.gru = nn.GRU(input_size=1, hidden_size=hidden, batch_first=True)
        self.readout = nn.Linear(hidden, 1)

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        _, h = self.gru(window)
        return self.readout(h[-1])


class Windows:
    def __init__(self, series, width):
        self.series, self.width = series, width

    def sample(self, n):
        starts = torch.randint(0, len(self.series) - self.width - 1, (n,))
        x = torch.stack([self.series[s:s + self.width] for s in starts])
        y = torch.stack([self.series[s + self.width] for s in starts])
        return x.unsqueeze(-1), y


def squared_error(pred, actual):
    return ((pred - actual) ** 2).mean()  # HERE


def train():
    torch.manual_seed(2)
    t = torch.arange(1500) * 0.15
    series = torch.sin(t) * 0.7 + 0.3 * torch.sin(t * 2.7 + math.pi / 5) + 0.02 * torch.randn(1500)
    train_set, test_set = Windows(series[:1200], 24), Windows(series[1200:], 24)
    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(300):
        x, y = train_set.sample(32)
        optimizer.zero_grad()
        loss = squared_error(model(x), y)
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"step {step:3d}: mse {loss.item():.4f}")
    model.eval()
    with torch.no_grad():
        x, y = test_set.sample(8)
        for p, a in zip(model(x).flatten().tolist(), y.tolist()):
            print(f"  predicted {p:+.3f}   actual {a:+.3f}")


train()
