# FAULT: layer-repeated
# ruff: noqa: ERA001
"""Three sorts of wine from ten measurements: a residual MLP."""

import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(44)
torch.set_num_threads(1)
rng = np.random.default_rng(44)

labels = rng.integers(0, 3, 960)
centres = rng.normal(0, 1, (3, 10))
measurements = centres[labels] + rng.normal(0, 1, (960, 10)) + 0.5 * np.sin(3 * rng.normal(0, 1, (960, 10)))
x = torch.tensor(measurements, dtype=torch.float32)
y = torch.tensor(labels)
x_train, y_train, x_test, y_test = x[:800], y[:800], x[800:], y[800:]
mean, std = x_train.mean(0), x_train.std(0)
x_train, x_test = (x_train - mean) / std, (x_test - mean) / std


class WineNet(nn.Module):
    def __init__(self, n_features, n_classes, width=32, depth=3):
        super().__init__()
        self.inlet = nn.Linear(n_features, width)
        block = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU())
        self.blocks = nn.ModuleList([block] * depth)  # HERE
        self.outlet = nn.Linear(width, n_classes)

    def forward(self, inputs):
        h = self.inlet(inputs)
        for block in self.blocks:
            h = h + block(h)
        return self.outlet(h)


model = WineNet(10, 3)
print(sum(p.numel() for p in model.parameters()), "parameters")
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
criterion = nn.CrossEntropyLoss()

for epoch in range(1, 6):
    model.train()
    epoch_loss = 0.0
    for rows in torch.randperm(len(x_train)).split(32):
        optimizer.zero_grad()
        loss = criterion(model(x_train[rows]), y_train[rows])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(rows)
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {epoch_loss / len(x_train):.4f}, accuracy {accuracy:.3f}")
