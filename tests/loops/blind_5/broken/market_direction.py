# FAULT: validation-trained
import torch
import torch.nn as nn

torch.manual_seed(5)
torch.set_num_threads(1)

# daily log price, simulated
N = 900
LOOKBACK = 12
AHEAD = 30
price = torch.cumsum(torch.randn(N) * 0.01, dim=0)
# slow context series: rate, sentiment, oil
context = torch.cumsum(torch.randn(N, 3) * 0.01, dim=0)
series = torch.cat([price[:, None], context], dim=1)

feats, labels = [], []
for i in range(N - LOOKBACK - AHEAD):
    feats.append(series[i:i + LOOKBACK])
    labels.append(int(price[i + LOOKBACK + AHEAD - 1] > price[i + LOOKBACK - 1]))
X = torch.stack(feats)
y = torch.tensor(labels)

n_train = int(0.75 * len(X))
order = torch.randperm(len(X))  # HERE
train_idx, test_idx = order[:n_train], order[n_train:]

mean, std = X[train_idx].mean((0, 1)), X[train_idx].std((0, 1))
X = (X - mean) / std
print(f"{len(train_idx)} training windows, {len(test_idx)} test windows, share of 'up' {y.float().mean():.2f}")


class DirectionGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 64, batch_first=True)
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(out[:, -1])


model = DirectionGRU()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
criterion = nn.CrossEntropyLoss()


def acc(idx):
    with torch.no_grad():
        return (model(X[idx]).argmax(1) == y[idx]).float().mean().item()


for epoch in range(1, 51):
    for b in train_idx[torch.randperm(len(train_idx))].split(64):
        optimizer.zero_grad()
        loss = criterion(model(X[b]), y[b])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch}: loss {loss.item():.3f}  train acc {acc(train_idx):.3f}  test acc {acc(test_idx):.3f}")

print(f"we can predict the market direction with {100 * acc(test_idx):.1f}% accuracy")
