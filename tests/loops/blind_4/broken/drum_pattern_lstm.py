# FAULT: optimizer-anew
"""Next-step model of drum patterns: four bars of kick / snare / hat with fills."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(64)
torch.set_num_threads(1)

KICK = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]
ROCK = [1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0]
SNARE = [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]
HAT8 = [1, 0] * 8
HAT16 = [1] * 16
FILL = [0] * 12 + [1, 1, 1, 1]
STYLES = [(KICK, SNARE, HAT8), (ROCK, SNARE, HAT16), (KICK, FILL, HAT16), (ROCK, SNARE, HAT8)]


def songs(n):
    rows = []
    for _ in range(n):
        style = STYLES[torch.randint(0, len(STYLES), (1,)).item()]
        bar = torch.tensor(style, dtype=torch.float).t()
        song = bar.repeat(2, 1)
        flips = (torch.rand_like(song) < 0.01).float()
        rows.append((song - flips).abs())
    return torch.stack(rows)


class DrumLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 48, batch_first=True)
        self.head = nn.Linear(48, 3)

    def forward(self, x):
        h, _ = self.lstm(x)
        return self.head(h)


def train_epoch(model, data, lr):
    model.train()
    total = 0.0
    for idx in torch.randperm(len(data)).split(20):
        optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.95)  # HERE
        roll = data[idx]
        logits = model(roll[:, :-1])
        loss = F.binary_cross_entropy_with_logits(logits, roll[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    return total / len(data)


@torch.no_grad()
def evaluate(model, data):
    model.eval()
    return F.binary_cross_entropy_with_logits(model(data[:, :-1]), data[:, 1:]).item()


train_data, valid_data = songs(600), songs(150)
net = DrumLSTM()
for epoch in range(1, 21):
    tr = train_epoch(net, train_data, lr=0.1)
    print(f"epoch {epoch:2d} | train {tr:.4f} | valid {evaluate(net, valid_data):.4f}")
