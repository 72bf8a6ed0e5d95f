# FAULT: clipped-without-gradient
# In words: clipping happens before backward(), when there are no gradients yet, so the gradients that are applied are never clipped
import torch
import torch.nn as nn
from torch.nn.utils import clip_grad_norm_

torch.manual_seed(11)
torch.set_num_threads(1)


def make_batch(batch, length):
    """Sum of the two marked numbers."""
    values = torch.rand(batch, length)
    marks = torch.zeros(batch, length)
    half = length // 2
    first, second = torch.randint(0, half, (batch,)), torch.randint(half, length, (batch,))
    rows = torch.arange(batch)
    marks[rows, first] = 1
    marks[rows, second] = 1
    target = values[rows, first] + values[rows, second]
    return torch.stack([values, marks], dim=2), target.unsqueeze(1)


class Adder(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity='relu', batch_first=True)
        self.fc = nn.Linear(hidden, 1)
        with torch.no_grad():          # IRNN initialisation
            self.rnn.weight_hh_l0.copy_(torch.eye(hidden))
            self.rnn.bias_hh_l0.zero_()
            self.rnn.bias_ih_l0.zero_()

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1])


model = Adder()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
mse = nn.MSELoss()

running = 0.0
for step in range(1, 401):
    x, y = make_batch(32, 10)
    optimizer.zero_grad()
    loss = mse(model(x), y)
    clip_grad_norm_(model.parameters(), 0.3)  # HERE
    loss.backward()
    optimizer.step()
    running += loss.item()
    if step % 50 == 0:
        print(f'step {step}: mse {running / 50:.4f}  (guessing the mean gives about 0.167)')
        running = 0.0
