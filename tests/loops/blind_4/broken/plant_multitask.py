# FAULT: zeroed-before-step
"""One shared trunk predicts four quality figures of a chemical plant, each from its own laboratory's data."""
import torch
import torch.nn as nn

torch.manual_seed(55)
torch.set_num_threads(1)

TASKS = ["viscosity", "density", "colour", "ph"]
N_SENSORS = 10
mixing = torch.randn(6, N_SENSORS)
task_w = {t: torch.randn(6) for t in TASKS}


def lab_data(task, n):
    x = torch.randn(n, N_SENSORS)
    latent = torch.tanh(x @ mixing.t() / N_SENSORS ** 0.5)
    y = latent @ task_w[task] + 0.05 * torch.randn(n)
    return x, y.unsqueeze(1)


class PlantModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(N_SENSORS, 64), nn.ELU(), nn.Linear(64, 32), nn.ELU())
        self.heads = nn.ModuleDict({t: nn.Linear(32, 1) for t in TASKS})

    def forward(self, x, task):
        return self.heads[task](self.trunk(x))


train = {t: lab_data(t, 600) for t in TASKS}
held_out = {t: lab_data(t, 200) for t in TASKS}
model = PlantModel()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
mse = nn.MSELoss()
bs = 50

for epoch in range(1, 61):
    model.train()
    orders = {t: torch.randperm(600).split(bs) for t in TASKS}
    for b in range(600 // bs):
        for task in TASKS:
            x, y = train[task]
            idx = orders[task][b]
            loss = mse(model(x[idx], task), y[idx]) / len(TASKS)
            optimizer.zero_grad()  # HERE
            loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        model.eval()
        with torch.no_grad():
            report = {t: mse(model(held_out[t][0], t), held_out[t][1]).item() for t in TASKS}
        print(f"epoch {epoch}", "  ".join(f"{t} {v:.3f}" for t, v in report.items()))
