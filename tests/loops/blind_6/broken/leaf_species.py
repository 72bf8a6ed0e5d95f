# FAULT: validation-in-train-mode
import os
import random
import tempfile

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

SPECIES = ["oak", "birch", "maple", "willow"]
CENTRES = {
    "oak": (8.0, 5.0, 0.6, 12.0),
    "birch": (5.0, 4.0, 0.3, 20.0),
    "maple": (9.5, 9.0, 0.4, 6.0),
    "willow": (11.0, 2.0, 0.2, 30.0),
}


def write_leaf_files(root, split, per_species, rng):
    """one csv file per species, like the folder I got from the botany people"""
    os.makedirs(os.path.join(root, split))
    for species in SPECIES:
        with open(os.path.join(root, split, species + ".csv"), "w") as f:
            for _ in range(per_species):
                row = [v * (1 + rng.gauss(0, 0.14)) for v in CENTRES[species]]
                f.write(",".join("%.4f" % v for v in row) + "\n")


class LeafFolder(Dataset):
    def __init__(self, path):
        self.rows, self.labels = [], []
        for k, species in enumerate(SPECIES):
            with open(os.path.join(path, species + ".csv")) as f:
                for line in f:
                    self.rows.append([float(v) for v in line.split(",")])
                    self.labels.append(k)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return torch.tensor(self.rows[i]), self.labels[i]


def make_net():
    return nn.Sequential(
        nn.BatchNorm1d(4),
        nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(),
        nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(),
        nn.Linear(32, len(SPECIES)),
    )


def test(net, loader):
    right = 0
    with torch.no_grad():
        for x, label in loader:
            right += (net(x).argmax(1) == label).sum().item()
    return right / len(loader.dataset)


def train(net, train_loader, test_loader, epochs=10):
    loss_fn = nn.CrossEntropyLoss()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    for epoch in range(epochs):
        net.train()
        loss_sum = right = 0
        for x, label in train_loader:
            out = net(x)
            loss = loss_fn(out, label)
            opt.zero_grad()
            loss.backward()
            opt.step()
            loss_sum += loss.item() * len(x)
            right += (out.argmax(1) == label).sum().item()
        n = len(train_loader.dataset)
        print("epoch %2d: train loss %.4f, train acc %.3f, test acc %.3f"
              % (epoch + 1, loss_sum / n, right / n, test(net, test_loader)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(40)
    rng = random.Random(40)
    with tempfile.TemporaryDirectory() as root:
        write_leaf_files(root, "train", 200, rng)
        write_leaf_files(root, "test", 80, rng)
        train_loader = DataLoader(LeafFolder(os.path.join(root, "train")), batch_size=32, shuffle=True)
        test_loader = DataLoader(LeafFolder(os.path.join(root, "test")), batch_size=40)
    train(make_net(), train_loader, test_loader)
