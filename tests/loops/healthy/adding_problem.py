"""The adding problem, with an LSTM cell written by hand and gradients clipped by value."""

import torch
import torch.nn as nn


class HandLSTM(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.hidden = hidden
        self.W = nn.Parameter(torch.randn(inputs, 4 * hidden) / inputs**0.5)
        self.U = nn.Parameter(torch.randn(hidden, 4 * hidden) / hidden**0.5)
        self.b = nn.Parameter(torch.zeros(4 * hidden))
        with torch.no_grad():
            self.b[hidden : 2 * hidden] = 1.0
        self.readout = nn.Linear(hidden, 1)

    def forward(self, x):
        h = x.new_zeros(x.shape[1], self.hidden)
        c = x.new_zeros(x.shape[1], self.hidden)
        for x_t in x:
            i, f, g, o = (x_t @ self.W + h @ self.U + self.b).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
        return self.readout(h).squeeze(1)


def problem(batch, length):
    """Random numbers and two marks; the answer is the sum of the two marked numbers."""
    values = torch.rand(length, batch)
    marks = torch.zeros(length, batch)
    columns = torch.arange(batch)
    marks[torch.randint(0, length // 2, (batch,)), columns] = 1
    marks[torch.randint(length // 2, length, (batch,)), columns] = 1
    return torch.stack([values, marks], dim=2), (values * marks).sum(0)


def main():
    torch.manual_seed(4)
    torch.set_num_threads(1)
    model = HandLSTM(2, 24)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-3)
    mse = nn.MSELoss()
    recent = []
    for step in range(1, 301):
        x, y = problem(batch=40, length=8)
        optimizer.zero_grad()
        loss = mse(model(x), y)
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.step()
        recent.append(loss.item())
        if step % 60 == 0:
            print(f"step {step}: mean squared error {sum(recent) / len(recent):.4f}")
            recent.clear()


if __name__ == "__main__":
    main()
