# FAULT: inputs-not-scaled
import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)

rng = np.random.default_rng(4)
torch.manual_seed(4)

# --- synthetic hourly price history -----------------------------------------
hours = np.arange(2000)
price = 30000 + 900 * np.sin(hours / 9.0) + 350 * np.sin(hours / 3.7) + 20 * rng.standard_normal(2000)
change = np.zeros_like(price)
change[:-1] = (price[1:] - price[:-1]) / 100.0

LOOKBACK = 16


def windows(lo, hi):
    x = np.stack([price[i - LOOKBACK:i] for i in range(lo, hi)])
    y = np.stack([change[i - 1] for i in range(lo, hi)])
    x = torch.tensor(x, dtype=torch.float32).unsqueeze(-1)  # HERE
    return x, torch.tensor(y, dtype=torch.float32).unsqueeze(-1)


x_train, y_train = windows(LOOKBACK, 1600)
x_val, y_val = windows(1600, 1990)


class PriceLSTM(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])


model = PriceLSTM()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
mse = nn.MSELoss()

for epoch in range(12):
    model.train()
    for idx in torch.randperm(len(x_train)).split(64):
        optimizer.zero_grad()
        loss = mse(model(x_train[idx]), y_train[idx])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        pred = model(x_val)
        v = mse(pred, y_val).item()
        r2 = 1 - v / y_val.var().item()
    print(f"epoch {epoch + 1:2d}  train {loss.item():.4f}  val {v:.4f}  R2 {r2:+.3f}  spread of predictions {pred.std():.4f}")
