# FAULT: numerical-instability
import random

import torch
import torch.nn as nn

torch.set_num_threads(1)
random.seed(8)
torch.manual_seed(8)

START = 1_700_000_000


def session(is_bot):
    """30 click times (unix seconds). Bots click regularly, people in bursts."""
    t = START + random.uniform(0, 5e6)
    stamps = []
    base = random.uniform(4, 12)
    for _ in range(30):
        gap = random.gauss(base, 0.15 * base) if is_bot else random.expovariate(1 / base)
        t += max(gap, 0.1)
        stamps.append(t)
    return stamps


def load(n):
    labels = [random.random() < 0.5 for _ in range(n)]
    stamps = torch.tensor([session(l) for l in labels], dtype=torch.float32)  # HERE
    gaps = stamps[:, 1:] - stamps[:, :-1]
    feats = torch.log1p(gaps).float().unsqueeze(-1)
    return feats, torch.tensor(labels).float()


class ClickGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.out = nn.Linear(24, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.out(h[0])[:, 0]


x_train, y_train = load(1600)
x_test, y_test = load(600)
mu, sd = x_train.mean(), x_train.std()
x_train, x_test = (x_train - mu) / sd, (x_test - mu) / sd

clf = ClickGRU()
adam = torch.optim.Adam(clf.parameters(), lr=5e-3)
bce = nn.BCEWithLogitsLoss()

for epoch in range(10):
    order = torch.randperm(len(x_train))
    epoch_loss = []
    for i in range(0, len(order), 50):
        pick = order[i:i + 50]
        adam.zero_grad()
        loss = bce(clf(x_train[pick]), y_train[pick])
        loss.backward()
        adam.step()
        epoch_loss.append(loss.item())
    with torch.no_grad():
        acc = ((clf(x_test) > 0).float() == y_test).float().mean().item()
    print("epoch", epoch + 1, "| loss", round(sum(epoch_loss) / len(epoch_loss), 4), "| test accuracy", round(acc, 3))
