# FAULT: changed-in-place
import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

torch.set_num_threads(1)
torch.manual_seed(55)
np.random.seed(55)

SEGMENTS = {  # seven segment display
    0: "abcdef", 1: "bc", 2: "abged", 3: "abgcd", 4: "fgbc",
    5: "afgcd", 6: "afgedc", 7: "abc", 8: "abcdefg", 9: "abcdfg",
}


def draw(digit):
    im = np.zeros((9, 7), dtype=np.float32)
    spots = {"a": (0, slice(1, 6)), "g": (4, slice(1, 6)), "d": (8, slice(1, 6)),
             "f": (slice(1, 4), 0), "b": (slice(1, 4), 6), "e": (slice(5, 8), 0), "c": (slice(5, 8), 6)}
    for s in SEGMENTS[digit]:
        im[spots[s]] = np.random.uniform(0.5, 1.0)
    return im


class DigitDataset(Dataset):
    """train=True switches the augmentation on"""

    def __init__(self, n, train):
        self.labels = np.random.randint(0, 10, size=n)
        self.images = np.stack([draw(d) for d in self.labels])
        self.images += np.random.normal(0, 0.35, self.images.shape).astype(np.float32)
        self.train = train

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = self.images[i]
        if self.train:
            img += np.random.normal(0, 0.25, img.shape).astype(np.float32)  # HERE
        return torch.tensor(img), torch.tensor(self.labels[i])


train_dl = DataLoader(DigitDataset(1000, True), batch_size=40, shuffle=True)
test_dl = DataLoader(DigitDataset(600, False), batch_size=100)

net = nn.Sequential(nn.Flatten(), nn.Linear(63, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))
opt = torch.optim.AdamW(net.parameters(), lr=2e-3)


def check():
    net.eval()
    with torch.no_grad():
        n_ok = sum((net(x).argmax(1) == y).sum().item() for x, y in test_dl)
    net.train()
    return n_ok / len(test_dl.dataset)


for epoch in range(40):
    tot, ok = 0.0, 0
    for x, y in train_dl:
        out = net(x)
        loss = nn.functional.cross_entropy(out, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot += loss.item() * len(y)
        ok += (out.argmax(1) == y).sum().item()
    if epoch % 5 == 4:
        print(f"epoch {epoch + 1}: train loss {tot / 1000:.3f}, train acc {ok / 1000:.3f}, test acc {check():.3f}")
