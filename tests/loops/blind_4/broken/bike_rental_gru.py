# FAULT: validation-trained
"""Predict whether tomorrow's bike rentals go up or down from two weeks of history."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
torch.set_num_threads(1)


def days(n, window=14, feats=6):
    x = torch.randn(n, window, feats)
    signal = x[:, -1, 0] + 0.5 * x[:, -2, 1]
    y = (signal + 1.2 * torch.randn(n) > 0).float()
    return TensorDataset(x, y)


train_loader = DataLoader(days(160), batch_size=16, shuffle=True)
valid_loader = DataLoader(days(160), batch_size=16)
test_x, test_y = days(1000).tensors


class RentalGRU(nn.Module):
    def __init__(self, feats=6, hidden=48):
        super().__init__()
        self.gru = nn.GRU(feats, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)

    def forward(self, x):
        _, h = self.gru(x)
        return self.out(h[-1]).squeeze(-1)


model = RentalGRU()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)


def run_epoch(loader):
    total_loss, total_hit, n = 0.0, 0, 0
    for x, y in loader:
        logits = model(x)
        loss = criterion(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(y)
        total_hit += ((logits > 0).float() == y).sum().item()
        n += len(y)
    return total_loss / n, total_hit / n


best = float("inf")
for epoch in range(1, 41):
    model.train()
    train_loss, train_acc = run_epoch(train_loader)
    model.eval()
    valid_loss, valid_acc = run_epoch(valid_loader)  # HERE
    if valid_loss < best:
        best = valid_loss
        best_state = {k: v.clone() for k, v in model.state_dict().items()}
    if epoch % 5 == 0:
        print(f"{epoch:2d}: train {train_loss:.3f}/{train_acc:.2f}  valid {valid_loss:.3f}/{valid_acc:.2f}")

model.load_state_dict(best_state)
with torch.no_grad():
    logits = model(test_x)
    print("best valid loss", round(best, 3))
    print("test loss", round(criterion(logits, test_y).item(), 3),
          "test acc", round(((logits > 0).float() == test_y).float().mean().item(), 3))
