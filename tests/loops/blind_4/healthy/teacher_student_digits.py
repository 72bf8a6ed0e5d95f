"""Knowledge distillation on seven-segment digits: a wide teacher first, then a tiny student that sees
soft targets (temperature 3) and only few hard labels."""
import torch
import torch.nn as nn
import torch.nn.functional as F

SEGMENTS = ["1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011"]


class Digits:
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        base = torch.tensor([[float(c) for c in s] for s in SEGMENTS])
        spread = torch.randn(7, 28, generator=torch.Generator().manual_seed(0))
        self.y = torch.randint(0, 10, (n,), generator=g)
        self.x = base[self.y] @ spread + 1.2 * torch.randn(n, 28, generator=g)

    def batches(self, size):
        for idx in torch.randperm(len(self.y)).split(size):
            yield self.x[idx], self.y[idx]


def accuracy(net, d):
    net.eval()
    with torch.no_grad():
        acc = (net(d.x).argmax(1) == d.y).float().mean().item()
    net.train()
    return acc


def train_teacher(train, test):
    net = nn.Sequential(nn.Linear(28, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10))
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    for epoch in range(14):
        total = 0.0
        for x, y in train.batches(64):
            loss = F.cross_entropy(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        if epoch % 3 == 1:
            print(f"teacher {epoch}: loss {total / len(train.y):.3f} test {accuracy(net, test):.3f}")
    return net.eval().requires_grad_(False)


def distil(teacher, train, test, T=3.0, alpha=0.8):
    student = nn.Sequential(nn.Linear(28, 16), nn.ReLU(), nn.Linear(16, 10))
    opt = torch.optim.Adam(student.parameters(), lr=4e-3)
    for epoch in range(24):
        total = 0.0
        for x, y in train.batches(64):
            with torch.no_grad():
                soft = F.log_softmax(teacher(x) / T, dim=1)
            logits = student(x)
            kd = F.kl_div(F.log_softmax(logits / T, dim=1), soft, reduction="batchmean", log_target=True) * T * T
            loss = alpha * kd + (1 - alpha) * F.cross_entropy(logits, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
        if epoch % 4 == 3:
            print(f"student {epoch}: loss {total / len(train.y):.3f} test {accuracy(student, test):.3f}")


if __name__ == "__main__":
    torch.manual_seed(7)
    torch.set_num_threads(1)
    train, test = Digits(3000, 1), Digits(1000, 2)
    distil(train_teacher(train, test), train, test)
