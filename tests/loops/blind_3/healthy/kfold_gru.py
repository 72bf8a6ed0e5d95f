"""5-fold cross-validation; each fold gets a fresh network and a fresh optimiser."""
import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)


def make_walks(n=250, steps=12, seed=7):
    """Two kinds of random walk: with momentum and mean reverting."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n)
    walks = np.zeros((n, steps))
    for i in range(n):
        v = 0.0
        for t in range(1, steps):
            e = rng.normal()
            v = 0.8 * v + e if kind[i] else -0.4 * v + e
            walks[i, t] = walks[i, t - 1] + v
    diff = np.diff(walks, axis=1)
    return torch.tensor(diff, dtype=torch.float32).unsqueeze(-1), torch.tensor(kind, dtype=torch.float32)


class WalkNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc(self.gru(x)[1][-1]).flatten()


def folds(n, k, seed):
    order = np.random.default_rng(seed).permutation(n)
    for part in np.array_split(order, k):
        yield torch.tensor(np.setdiff1d(order, part)), torch.tensor(part)


def main():
    x, y = make_walks()
    lossf = nn.BCEWithLogitsLoss()
    scores = []
    for k, (tr, va) in enumerate(folds(len(x), 5, seed=0)):
        torch.manual_seed(100 + k)
        net = WalkNet(16)
        opt = torch.optim.Adam(net.parameters(), lr=1e-2)
        mu, sd = x[tr].mean(), x[tr].std()
        curve = []
        for epoch in range(8):
            net.train()
            ep = []
            for b in tr[torch.randperm(len(tr))].split(20):
                opt.zero_grad()
                loss = lossf(net((x[b] - mu) / sd), y[b])
                loss.backward()
                opt.step()
                ep.append(loss.item())
            curve.append(np.mean(ep))
        net.eval()
        with torch.no_grad():
            acc = ((net((x[va] - mu) / sd) > 0).float() == y[va]).float().mean().item()
        scores.append(acc)
        print(f"fold {k}: loss {curve[0]:.3f} -> {curve[-1]:.3f}, held-out accuracy {acc:.2f}")
    print(f"mean accuracy {np.mean(scores):.3f} +- {np.std(scores):.3f}")


if __name__ == "__main__":
    main()
