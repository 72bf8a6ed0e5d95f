# FAULT: no-gradient
# ruff: noqa: ERA001
"""Discs, squares and triangles on 12 x 12 pixels, told apart by a small CNN."""

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812
from torch.utils.data import DataLoader, Dataset


class Shapes(Dataset):
    def __init__(self, n, size=12):
        rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        self.images, self.labels = [], []
        for i in range(n):
            r, c = torch.randint(4, size - 4, (2,)).tolist()
            dr, dc = rows - r, columns - c
            image = [dr**2 + dc**2 <= 10, (dr.abs() <= 3) & (dc.abs() <= 3), (dr.abs() <= 3) & (dc.abs() * 2 <= dr + 3)]
            self.images.append(image[i % 3].float()[None] + 0.3 * torch.randn(1, size, size))
            self.labels.append(i % 3)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.fc1 = nn.Linear(16 * 16, 32)
        self.fc2 = nn.Linear(32, 32)  # HERE
        self.fc3 = nn.Linear(32, 3)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc3(x)


def main():
    torch.manual_seed(20)
    torch.set_num_threads(1)
    loader = DataLoader(Shapes(480), batch_size=12, shuffle=True)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    for epoch in range(4):
        losses = []
        for images, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(f"epoch {epoch}: {sum(losses) / len(losses):.4f}")


if __name__ == "__main__":
    main()
