# FAULT: batch-taken-for-time
"""Classify accelerometer gestures (synthetic) with an LSTM."""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

np.random.seed(3)
torch.manual_seed(3)
torch.set_num_threads(1)

CLASSES = ["circle_cw", "circle_ccw", "swipe_slow", "swipe_fast"]


def record(label, steps=30):
    t = np.linspace(0, 1, steps)
    ph = np.random.uniform(0, 2 * np.pi)
    if label == 0:
        sig = [np.cos(2 * np.pi * t + ph), np.sin(2 * np.pi * t + ph)]
    elif label == 1:
        sig = [np.cos(2 * np.pi * t + ph), -np.sin(2 * np.pi * t + ph)]
    elif label == 2:
        sig = [np.sin(2 * np.pi * 0.5 * t + ph), np.sin(2 * np.pi * 0.5 * t + ph)]
    else:
        sig = [np.sin(2 * np.pi * 2.0 * t + ph), np.sin(2 * np.pi * 2.0 * t + ph)]
    return np.stack(sig, 1) + 0.15 * np.random.randn(steps, 2)


class GestureSet(Dataset):
    def __init__(self, n):
        self.labels = np.random.randint(0, len(CLASSES), n)
        self.data = np.array([record(l) for l in self.labels], dtype=np.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return torch.from_numpy(self.data[i]), int(self.labels[i])


class GestureNet(nn.Module):
    def __init__(self, n_features=2, hidden=40, n_classes=4):
        super(GestureNet, self).__init__()
        self.lstm = nn.LSTM(n_features, hidden, num_layers=1)  # HERE
        self.linear = nn.Linear(hidden, n_classes)

    def forward(self, x):
        # x: [batch, time, features]
        out, _ = self.lstm(x)
        return self.linear(out[:, -1, :])


def test(net, loader):
    net.eval()
    ok = tot = 0
    with torch.no_grad():
        for x, y in loader:
            ok += int((net(x).argmax(1) == y).sum())
            tot += len(y)
    return 100.0 * ok / tot


train_loader = DataLoader(GestureSet(800), batch_size=32, shuffle=True)
test_loader = DataLoader(GestureSet(400), batch_size=32)

net = GestureNet()
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(1, 16):
    net.train()
    running_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * len(y)
    if epoch % 3 == 0:
        print("[%2d] loss: %.3f  test accuracy: %.1f %%" % (epoch, running_loss / 800, test(net, test_loader)))
print("Finished Training")
