# FAULT: losses-kept
# Predicting waves with two LSTMCells, after pytorch/examples/time_sequence_prediction
import resource
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

torch.set_num_threads(1)
np.random.seed(2)
torch.manual_seed(2)
T, L, N = 20, 33, 64
x = np.arange(L) + np.random.randint(-4 * T, 4 * T, N).reshape(N, 1)
waves = torch.from_numpy(np.sin(x / 1.0 / T * 4).astype("float32"))


class Sequence(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.width = width
        self.lstm1 = nn.LSTMCell(1, width)
        self.lstm2 = nn.LSTMCell(width, width)
        self.linear = nn.Linear(width, 1)

    def forward(self, inputs, future=0):
        n = inputs.size(0)
        h1, c1, h2, c2 = (torch.zeros(n, self.width) for _ in range(4))
        outputs = []
        for inp in inputs.split(1, dim=1):
            h1, c1 = self.lstm1(inp, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            out = self.linear(h2)
            outputs.append(out)
        for _ in range(future):
            h1, c1 = self.lstm1(out, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            out = self.linear(h2)
            outputs.append(out)
        return torch.cat(outputs, dim=1)


seq = Sequence()
criterion = nn.MSELoss()
optimizer = optim.Adam(seq.parameters(), lr=0.01)
smooth = None
for i in range(200):
    pick = torch.randperm(N - 8)[:8] + 8
    batch = waves[pick]
    optimizer.zero_grad()
    out = seq(batch[:, :-1])
    loss = criterion(out, batch[:, 1:])
    loss.backward()
    nn.utils.clip_grad_norm_(seq.parameters(), 1.0)
    optimizer.step()
    smooth = loss if smooth is None else 0.95 * smooth + 0.05 * loss  # HERE
    if i % 25 == 24:
        with torch.no_grad():
            pred = seq(waves[:8, :-17], future=16)
            test = criterion(pred, waves[:8, 1:])
        mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"STEP {i + 1} smooth loss {smooth:.5f} test {test.item():.5f} memory {mb:.1f} MB")
