# FAULT: zeroed-before-step
import torch
import torch.nn as nn
from torch.optim import Adam

torch.manual_seed(90)
torch.set_num_threads(1)

# One network, three quantities of a building: heating, cooling, electricity.
# Each task has its own measurements, so we go through the tasks one by one,
# accumulate the gradients and make one step.
W_TRUE = torch.randn(10, 6)
TASKS = {
    "heating": lambda z: torch.sin(z[:, 0]) + 0.5 * z[:, 1],
    "cooling": lambda z: torch.tanh(z[:, 2] * z[:, 3] * 0.5),
    "electricity": lambda z: (z[:, 4].abs() + 0.3 * z[:, 5]) * 0.7,
}


def measurements(task, n):
    x = torch.randn(n, 10)
    return x, TASKS[task](x @ W_TRUE / 3).unsqueeze(1)


train = {t: measurements(t, 800) for t in TASKS}
test = {t: measurements(t, 300) for t in TASKS}


class MultiTaskNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.heads = nn.ModuleDict({t: nn.Linear(64, 1) for t in TASKS})

    def forward(self, x, task):
        return self.heads[task](self.trunk(x))


net = MultiTaskNet()
opt = Adam(net.parameters(), lr=3e-3)
criterion = nn.MSELoss()

for step in range(1, 1201):
    logs = {}
    for task in TASKS:
        x, y = train[task]
        pick = torch.randint(0, len(x), (32,))
        opt.zero_grad()  # HERE
        loss = criterion(net(x[pick], task), y[pick]) / len(TASKS)
        loss.backward()
        logs[task] = loss.item() * len(TASKS)
    opt.step()
    if step % 200 == 0:
        print(step, "  ".join(f"{t}: {v:.3f}" for t, v in logs.items()))

print("--- test R^2 ---")
with torch.no_grad():
    for task, (x, y) in test.items():
        p = net(x, task)
        print(f"{task:12s} {1 - ((p - y) ** 2).mean() / y.var():.3f}")
