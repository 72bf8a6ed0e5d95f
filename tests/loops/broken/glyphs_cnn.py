# FAULT: double-softmax
# ruff: noqa: ERA001
"""Recognise 5 x 3 glyphs of digits in noise with a convolutional network."""

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)
torch.set_num_threads(1)

FONT = """
111 010 111 111 101 111 111 111 111 111
101 110 001 001 101 100 100 001 101 101
101 010 111 111 111 111 111 010 111 111
101 010 100 001 001 001 101 010 101 001
111 111 111 111 001 111 111 010 111 111
"""
rows = [line.split() for line in FONT.strip().splitlines()]
glyphs = torch.tensor([[[float(bit) for bit in row[digit]] for row in rows] for digit in range(10)])


def get_batch(n=50):
    labels = torch.randint(0, 10, (n,))
    images = torch.zeros(n, 1, 7, 5)
    images[:, 0, 1:6, 1:4] = glyphs[labels]
    return images + 0.3 * torch.randn_like(images), labels


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 12, kernel_size=3)
        self.fc1 = nn.Linear(12 * 5 * 3, 48)
        self.fc2 = nn.Linear(48, 10)

    def forward(self, x):
        x = torch.relu(self.conv(x)).flatten(1)
        x = torch.relu(self.fc1(x))
        return torch.softmax(self.fc2(x), dim=1)  # HERE


net = Net()
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

running_loss, correct = 0.0, 0
for i in range(1, 401):
    inputs, labels = get_batch()
    optimizer.zero_grad()
    outputs = net(inputs)
    loss = criterion(outputs, labels)
    loss.backward()
    optimizer.step()
    running_loss += loss.item()
    correct += (outputs.argmax(1) == labels).sum().item()
    if i % 100 == 0:
        print(f"[{i}] loss: {running_loss / 100:.3f} accuracy: {correct / 5000:.1%}")
        running_loss, correct = 0.0, 0
