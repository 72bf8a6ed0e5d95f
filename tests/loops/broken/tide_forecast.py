# FAULT: zeroed-before-step
# ruff: noqa: ERA001
"""Forecast the next water level from the last 24 with an LSTM."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(55)
torch.set_num_threads(1)
rng = np.random.default_rng(55)

hours = np.arange(2000)
level = np.sin(2 * np.pi * hours / 12.4) + 0.4 * np.sin(2 * np.pi * hours / 24.8) + rng.normal(0, 0.05, len(hours))
level = torch.tensor(level, dtype=torch.float32)

LOOKBACK = 24
X = torch.stack([level[i : i + LOOKBACK] for i in range(len(level) - LOOKBACK)]).unsqueeze(-1)
y = level[LOOKBACK:].unsqueeze(-1)
X_train, y_train = X[:1600], y[:1600]
X_test, y_test = X[1700:], y[1700:]


class TideModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(input_size=1, hidden_size=16, batch_first=True)
        self.linear = nn.Linear(16, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1, :])


model = TideModel()
loss_fn = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(3):
    model.train()
    for batch in torch.randperm(len(X_train)).split(32):
        y_pred = model(X_train[batch])
        loss = loss_fn(y_pred, y_train[batch])
        loss.backward()
        optimizer.zero_grad()  # HERE
        optimizer.step()
    model.eval()
    with torch.no_grad():
        rmse = loss_fn(model(X_test), y_test).sqrt()
    print(f"Epoch {epoch}: test RMSE {rmse:.4f}")
