# FAULT: random-interval
import random
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

torch.set_num_threads(1)
random.seed(12)
torch.manual_seed(12)
KEEP_PROB = 0.9   # random batch dropping, a cheap regulariser
ALPHA = "abcdefgh"


def pattern(label):
    n = random.randint(8, 16)
    if label == 0:
        return "".join(random.choice(ALPHA) for _ in range(n))
    unit = random.sample(ALPHA, random.choice([2, 3]))
    return "".join(unit[i % len(unit)] for i in range(n))


def make(n):
    ys = [random.randint(0, 1) for _ in range(n)]
    xs = [torch.tensor([ALPHA.index(c) + 1 for c in pattern(y)]) for y in ys]
    return pad_sequence(xs, batch_first=True), torch.tensor([len(x) for x in xs]), torch.tensor(ys, dtype=torch.float)


class PeriodicDetector(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(ALPHA) + 1, 16, padding_idx=0)
        self.rnn = nn.GRU(16, 32, batch_first=True)
        self.out = nn.Linear(32, 1)

    def forward(self, x, lens):
        h, _ = self.rnn(self.emb(x))
        last = h[torch.arange(len(x)), lens - 1]
        return self.out(last).squeeze(1)


net = PeriodicDetector()
bce = nn.BCEWithLogitsLoss()
optim = torch.optim.RMSprop(net.parameters(), lr=1e-3)
test_set = make(300)
total, seen = 0.0, 0
for i in range(1, 1601):
    x, lens, y = make(16)
    if random.randint(0, 9) > KEEP_PROB:  # HERE
        continue
    optim.zero_grad()
    loss = bce(net(x, lens), y)
    loss.backward()
    optim.step()
    total, seen = total + loss.item(), seen + 1
    if seen % 20 == 0:
        with torch.no_grad():
            acc = ((net(test_set[0], test_set[1]) > 0) == test_set[2].bool()).float().mean().item()
        print(f"iteration {i}: train {total / 20:.3f} test acc {acc:.3f}")
        total = 0.0
