# FAULT: batch-taken-for-time
"""Recognise one of four hand gestures from a 2-axis accelerometer trace."""
import math
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


def synth(n=960, length=30):
    t = torch.linspace(0, 1, length)
    label = torch.randint(0, 4, (n,))
    phase = torch.rand(n, 1) * 2 * math.pi
    speed = torch.where(label % 2 == 0, 2.0, 4.0).unsqueeze(1)
    turn = torch.where(label < 2, 1.0, -1.0).unsqueeze(1)
    angle = 2 * math.pi * speed * t + phase
    ax = torch.cos(angle)
    ay = turn * torch.sin(angle)
    x = torch.stack([ax, ay], -1) + 0.15 * torch.randn(n, length, 2)
    return TensorDataset(x, label)


class GestureNet(nn.Module):
    def __init__(self, n_in=2, n_hidden=48, n_class=4):
        super().__init__()
        self.lstm = nn.LSTM(n_in, n_hidden, num_layers=1)  # HERE
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(n_hidden, n_class)

    def forward(self, x):
        out, _ = self.lstm(x)
        last = out[:, -1, :]
        return self.fc(self.drop(last))


def accuracy(model, loader):
    model.eval()
    hit = tot = 0
    with torch.no_grad():
        for x, y in loader:
            hit += (model(x).argmax(1) == y).sum().item()
            tot += len(y)
    return hit / tot


def main():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    train_set, val_set = random_split(synth(), [768, 192])
    train_loader = DataLoader(train_set, batch_size=32, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=32)
    model = GestureNet()
    loss_fn = nn.CrossEntropyLoss()
    optim = torch.optim.Adam(model.parameters(), lr=4e-3)

    for epoch in range(16):
        model.train()
        losses = []
        for x, y in train_loader:
            optim.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optim.step()
            losses.append(loss.item())
        print(f"[{epoch + 1:2d}] train loss {sum(losses) / len(losses):.3f}   val acc {accuracy(model, val_loader):.3f}")


if __name__ == "__main__":
    main()
