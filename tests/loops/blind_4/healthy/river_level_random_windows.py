"""River level a few hours ahead.  Random windows out of one long record, fresh state for each window,
the network predicts the change against the last level.  Early stopping restores the best weights."""
import copy
import math
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

torch.manual_seed(14)
torch.set_num_threads(1)

HOURS, WINDOW, AHEAD = 6000, 36, 4


def record():
    rain = torch.relu(torch.randn(HOURS) - 1.4) * 3
    level, store = torch.zeros(HOURS), 0.0
    kernel = torch.exp(-torch.arange(30).float() / 8) * torch.arange(30).float() / 20
    flow = torch.nn.functional.conv1d(rain.view(1, 1, -1), kernel.flip(0).view(1, 1, -1), padding=29)[0, 0, :HOURS]
    season = 0.5 * torch.sin(2 * math.pi * torch.arange(HOURS) / 2000)
    level = flow + season + 0.03 * torch.randn(HOURS)
    return torch.stack([rain, level], 1)


series = record()
cut = int(HOURS * 0.8)
stats_mean, stats_std = series[:cut].mean(0), series[:cut].std(0)
series = (series - stats_mean) / stats_std


class LevelNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(2, 32, batch_first=True)
        self.fc = nn.Linear(32, 1)
        nn.init.zeros_(self.fc.weight)
        nn.init.zeros_(self.fc.bias)

    def forward(self, x):
        h, _ = self.rnn(x)
        return x[:, -1, 1] + self.fc(h[:, -1]).squeeze(-1)


def windows(starts):
    x = torch.stack([series[s:s + WINDOW] for s in starts])
    y = torch.stack([series[s + WINDOW + AHEAD - 1, 1] for s in starts])
    return x, y


val_x, val_y = windows(list(range(cut, HOURS - WINDOW - AHEAD, 6)))
model = LevelNet()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
scheduler = ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=2)
best, best_weights, bad = float("inf"), None, 0
print("persistence error", nn.functional.mse_loss(val_x[:, -1, 1], val_y).item())

for round_ in range(30):
    model.train()
    losses = []
    for _ in range(25):
        starts = torch.randint(0, cut - WINDOW - AHEAD, (32,)).tolist()
        x, y = windows(starts)
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(val_x), val_y).item()
    scheduler.step(val)
    print(f"round {round_:2d} train {sum(losses) / 25:.4f} val {val:.4f} lr {optimizer.param_groups[0]['lr']:.4f}")
    if val < best - 1e-4:
        best, best_weights, bad = val, copy.deepcopy(model.state_dict()), 0
    else:
        bad += 1
        if bad >= 6:
            print("stopping early")
            break
model.load_state_dict(best_weights)
print("kept the model with validation error", round(best, 4))
