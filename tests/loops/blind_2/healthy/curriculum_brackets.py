"""Curriculum: running balance of brackets, first on short strings, then on longer ones and with a second bracket type."""
from collections import deque
import random
import torch
from torch import nn

torch.set_num_threads(1)
random.seed(2)
torch.manual_seed(2)

STAGES = [  # (length, kinds of brackets, goal accuracy, most steps)
    (6, 1, 0.97, 150),
    (14, 1, 0.97, 150),
    (14, 2, 0.97, 250),
]
MIN_STEPS = 90
MAX_DEPTH = 6
# tokens: 0 "(", 1 ")", 2 "[", 3 "]"


def strings(n, length, kinds):
    xs, ys = [], []
    for _ in range(n):
        depth, x, y = [0, 0], [], []
        for _ in range(length):
            k = random.randrange(kinds)
            up = depth[k] == 0 or (sum(depth) < MAX_DEPTH and random.random() < 0.55)
            depth[k] += 1 if up else -1
            x.append(2 * k + (0 if up else 1))
            y.append(sum(depth))
        xs.append(x)
        ys.append(y)
    return torch.tensor(xs), torch.tensor(ys)


class Counter(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(4, 16)
        self.rnn = nn.RNN(16, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, MAX_DEPTH + 2)

    def forward(self, x):
        return self.fc(self.rnn(self.embed(x))[0])


net = Counter()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
step = 0
for stage, (length, kinds, goal, limit) in enumerate(STAGES, 1):
    recent = deque(maxlen=20)
    for k in range(1, limit + 1):
        x, y = strings(24, length, kinds)
        logits = net(x)
        loss = criterion(logits.transpose(1, 2), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        step += 1
        recent.append((logits.argmax(-1) == y).float().mean().item())
        if k == 1 or k % 30 == 0:
            print(f"stage {stage} step {step:4d} loss {loss.item():.4f} acc {recent[-1]:.3f}")
        if k >= MIN_STEPS and sum(recent) / len(recent) > goal:
            print(f"stage {stage} done after {k} steps")
            break
