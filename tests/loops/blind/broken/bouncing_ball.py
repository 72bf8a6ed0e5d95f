# FAULT: losses-kept
# In words: the smoothed loss shown in the log is built from loss tensors that keep their graphs, so the memory of every past step is held
import torch
import torch.nn as nn

torch.manual_seed(12)
torch.set_num_threads(1)


def trajectories(n, steps):
    """Height of a bouncing ball, different drop heights."""
    h, v = 1 + torch.rand(n), torch.zeros(n)
    path = []
    for _ in range(steps):
        v = v - 0.05
        h = h + 0.5 * v
        hit = h < 0
        h = torch.where(hit, -h, h)
        v = torch.where(hit, -0.9 * v, v)
        path.append(h)
    return torch.stack(path, dim=1).unsqueeze(-1)


class Predictor(nn.Module):
    def __init__(self, hidden=40):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        y, _ = self.gru(x)
        return x + self.linear(y)


net = Predictor()
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
smooth = None
for step in range(1, 201):
    seq = trajectories(16, 25)
    prediction = net(seq[:, :-1])
    loss = nn.functional.mse_loss(prediction, seq[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    smooth = loss if smooth is None else 0.95 * smooth + 0.05 * loss  # HERE
    if step % 50 == 0:
        print('%4d  smoothed loss %.5f' % (step, smooth.item()))
