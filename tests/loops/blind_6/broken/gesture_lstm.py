# FAULT: batch-taken-for-time
import math

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import TensorDataset, DataLoader

torch.set_num_threads(1)
np.random.seed(0)
torch.manual_seed(0)

# ---------------------------------------------------------------
# fake accelerometer gestures: 3 axes, 40 samples each
#   0 = circle clockwise, 1 = circle counter-clockwise,
#   2 = shake that speeds up, 3 = shake that slows down
# every recording starts at a random phase
# ---------------------------------------------------------------
STEPS = 40


def make_gesture(kind):
    t = np.linspace(0, 1, STEPS)
    phase = np.random.rand() * 2 * math.pi
    if kind == 0:
        x, y = np.cos(2 * math.pi * 2 * t + phase), np.sin(2 * math.pi * 2 * t + phase)
        z = np.zeros(STEPS)
    elif kind == 1:
        x, y = np.cos(-2 * math.pi * 2 * t + phase), np.sin(-2 * math.pi * 2 * t + phase)
        z = np.zeros(STEPS)
    else:
        f = t ** 2 if kind == 2 else 1 - (1 - t) ** 2
        x = np.sin(2 * math.pi * 4 * f + phase)
        y = np.zeros(STEPS)
        z = 0.5 * x
    g = np.stack([x, y, z], axis=1)
    return g + 0.15 * np.random.randn(STEPS, 3)


def build(n):
    labels = np.random.randint(0, 4, size=n)
    data = np.stack([make_gesture(k) for k in labels]).astype(np.float32)
    return TensorDataset(torch.from_numpy(data), torch.from_numpy(labels).long())


train_loader = DataLoader(build(800), batch_size=32, shuffle=True)
test_loader = DataLoader(build(300), batch_size=32)


class GestureNet(nn.Module):
    def __init__(self, n_axes=3, hidden=48, n_classes=4):
        super(GestureNet, self).__init__()
        self.lstm = nn.LSTM(n_axes, hidden, num_layers=1)  # HERE
        self.fc1 = nn.Linear(hidden, 32)
        self.fc2 = nn.Linear(32, n_classes)

    def forward(self, x):
        # x: batch x steps x axes
        out, (hn, cn) = self.lstm(x)
        last = out[:, -1, :]
        return self.fc2(torch.relu(self.fc1(last)))


model = GestureNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.003)

for epoch in range(12):
    model.train()
    train_loss = 0
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        train_loss += loss.item()

    model.eval()
    correct = 0
    with torch.no_grad():
        for xb, yb in test_loader:
            correct += (model(xb).argmax(1) == yb).sum().item()
    print('Epoch {:2d}  train loss {:.4f}  test acc {:.1f}%'.format(
        epoch + 1, train_loss / len(train_loader), 100.0 * correct / 300))
