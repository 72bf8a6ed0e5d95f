# FAULT: clipped-without-gradient
import torch
import torch.nn as nn


class RunningSum(nn.Module):
    """IRNN: relu recurrent net with identity initialisation."""

    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(hidden, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.out(y[:, -1]).squeeze(-1)


class Trainer:
    def __init__(self, model, lr=0.02, max_norm=1.0, log_every=30):
        self.model = model
        self.criterion = nn.MSELoss()
        self.optim = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.max_norm = max_norm
        self.log_every = log_every
        self.history = []

    def batch(self, n=32, t=60):
        values = torch.rand(n, t)
        marks = torch.zeros(n, t)
        for row in marks:
            row[torch.randperm(t)[:2]] = 1.0
        return torch.stack([values, marks], dim=-1), (values * marks).sum(1)

    def training_step(self):
        x, y = self.batch()
        loss = self.criterion(self.model(x), y)
        self.optim.zero_grad()
        loss.backward()
        return loss

    def fit(self, steps):
        for step in range(steps):
            loss = self.training_step()
            self.optim.step()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)  # HERE
            self.history.append(loss.item())
            if (step + 1) % self.log_every == 0:
                recent = self.history[-self.log_every:]
                print(f"[{step + 1:4d}] loss={sum(recent) / len(recent):.4f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    Trainer(RunningSum(48)).fit(300)
