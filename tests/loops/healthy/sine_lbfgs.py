"""Continue sine waves: LSTM cells written into a module, trained with LBFGS on one group of waves after another."""

import math

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)
torch.set_num_threads(1)


def waves(n, length=12):
    phase = 2 * math.pi * torch.rand(n, 1)
    period = 8 + 6 * torch.rand(n, 1)
    t = torch.arange(length + 1).float()
    return torch.sin(2 * math.pi * t / period + phase)


class Sequence(nn.Module):
    def __init__(self, hidden=10):
        super().__init__()
        self.hidden = hidden
        self.lstm1 = nn.LSTMCell(1, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, series):
        h = torch.zeros(series.size(0), self.hidden)
        c = torch.zeros(series.size(0), self.hidden)
        outputs = []
        for value in series.split(1, dim=1):
            h, c = self.lstm1(value, (h, c))
            outputs.append(self.linear(h))
        return torch.cat(outputs, dim=1)


if __name__ == "__main__":
    seq = Sequence()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(seq.parameters(), lr=0.3, max_iter=2, history_size=10)
    data = waves(192)
    for step in range(125):
        batch = data[torch.randperm(len(data))[:64]]
        inputs, target = batch[:, :-1], batch[:, 1:]

        def closure(inputs=inputs, target=target):
            optimizer.zero_grad()
            loss = criterion(seq(inputs), target)
            loss.backward()
            return loss

        loss = optimizer.step(closure)
        if step % 31 == 0:
            print("step", step, "loss", round(loss.item(), 5))
    with torch.no_grad():
        test = waves(50)
        print("test loss", round(criterion(seq(test[:, :-1]), test[:, 1:]).item(), 5))
