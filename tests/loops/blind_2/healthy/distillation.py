"""Knowledge distillation: train a big teacher, then a small compiled student from its soft targets."""
import itertools
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(50)


def moons(n, noise=0.15):
    y = torch.randint(0, 2, (n,))
    a = torch.rand(n) * torch.pi
    x = torch.stack([torch.cos(a), torch.sin(a)], 1)
    x[y == 1] = torch.tensor([1.0, 0.5]) - x[y == 1]
    return x + noise * torch.randn(n, 2), y


def mlp(*sizes, dropout=0.0):
    layers = []
    for a, b in itertools.pairwise(sizes):
        layers += [nn.Linear(a, b), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers[:-2])


class Distiller:
    def __init__(self, teacher, student, temperature=3.0, alpha=0.7):
        self.teacher, self.student = teacher, student
        self.T, self.alpha = temperature, alpha

    def teach(self, steps):
        opt = torch.optim.Adam(self.teacher.parameters(), lr=3e-3)
        self.teacher.train()
        for i in range(steps):
            x, y = moons(64)
            loss = F.cross_entropy(self.teacher(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            if i % 50 == 0 or i == steps - 1:
                print(f"teacher {i:3d} {loss.item():.4f}")

    def distill(self, steps):
        self.teacher.eval()
        for p in self.teacher.parameters():
            p.requires_grad = False
        opt = torch.optim.SGD(self.student.parameters(), lr=0.1, momentum=0.9)
        self.student.train()
        for i in range(steps):
            x, y = moons(64)
            with torch.no_grad():
                soft = F.softmax(self.teacher(x) / self.T, dim=1)
            logits = self.student(x)
            kd = F.kl_div(F.log_softmax(logits / self.T, dim=1), soft, reduction="batchmean") * self.T ** 2
            loss = self.alpha * kd + (1 - self.alpha) * F.cross_entropy(logits, y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            if i % 50 == 0 or i == steps - 1:
                print(f"student {i:3d} {loss.item():.4f} (kd {kd.item():.4f})")


@torch.no_grad()
def accuracy(net, x, y):
    net.eval()
    return (net(x).argmax(1) == y).float().mean().item()


teacher = mlp(2, 64, 64, 2, dropout=0.1)
student = torch.compile(mlp(2, 8, 2), backend="aot_eager")
d = Distiller(teacher, student)
d.teach(250)
d.distill(250)
x, y = moons(1000)
print(f"teacher {accuracy(teacher, x, y):.3f} student {accuracy(student, x, y):.3f}")
