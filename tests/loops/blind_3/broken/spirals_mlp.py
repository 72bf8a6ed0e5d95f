# FAULT: labels-of-others
import numpy as np
import torch
import torch.nn as nn
torch.set_num_threads(1)

np.random.seed(0)
torch.manual_seed(0)

K, PER = 3, 200


def spiral():
    X, y = [], []
    for k in range(K):
        r = np.linspace(0.05, 1, PER)
        t = np.linspace(k * 4, (k + 1) * 4, PER) + np.random.randn(PER) * 0.15
        X.append(np.c_[r * np.sin(t), r * np.cos(t)])
        y.append(np.full(PER, k))
    return np.concatenate(X), np.concatenate(y)


def mix(a):
    return a[np.random.permutation(len(a))]


X, y = spiral()
X, y = mix(X), mix(y)  # HERE
X = torch.from_numpy(X).float()
y = torch.from_numpy(y).long()
cut = int(0.8 * len(X))

mlp = nn.Sequential(
    nn.Linear(2, 64), nn.ReLU(),
    nn.Linear(64, 64), nn.ReLU(),
    nn.Linear(64, K),
)
sgd = torch.optim.SGD(mlp.parameters(), lr=0.1, momentum=0.9)
ce = nn.CrossEntropyLoss()

for epoch in range(60):
    order = torch.randperm(cut)
    for b in range(0, cut, 64):
        j = order[b:b + 64]
        loss = ce(mlp(X[j]), y[j])
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    if epoch % 10 == 9:
        with torch.no_grad():
            tr = (mlp(X[:cut]).argmax(1) == y[:cut]).float().mean().item()
            va = (mlp(X[cut:]).argmax(1) == y[cut:]).float().mean().item()
        print("epoch", epoch + 1, "loss", round(loss.item(), 3), "train", round(tr, 3), "val", round(va, 3))
