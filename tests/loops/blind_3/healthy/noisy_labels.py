"""GRU classifier, 15 percent of the training labels are wrong on purpose; label smoothing, plain SGD with rate 1."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(31)

CLASSES, LENGTH, VOCAB = 4, 9, 12


def corpus(n):
    y = torch.randint(0, CLASSES, (n,))
    x = torch.randint(CLASSES, VOCAB, (n, LENGTH))
    for _ in range(2):
        pos = torch.randint(0, LENGTH, (n,))
        x[torch.arange(n), pos] = y
    return x, y


def corrupt(y, rate):
    wrong = torch.rand(len(y)) < rate
    y = y.clone()
    y[wrong] = torch.randint(0, CLASSES, (int(wrong.sum()),))
    return y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 16)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x):
        out, _ = self.gru(self.emb(x))
        return self.head(out.mean(1))


x_tr, y_tr = corpus(1024)
x_va, y_va = corpus(256)
loader = DataLoader(TensorDataset(x_tr, corrupt(y_tr, 0.15)), batch_size=32, shuffle=True)

net = Net()
sgd = torch.optim.SGD(net.parameters(), lr=1.0)
smooth = nn.CrossEntropyLoss(label_smoothing=0.1)

for epoch in range(10):
    net.train()
    mean = 0.0
    for xb, yb in loader:
        sgd.zero_grad()
        loss = smooth(net(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        sgd.step()
        mean += loss.item() / len(loader)
    net.eval()
    with torch.inference_mode():
        acc = (net(x_va).argmax(1) == y_va).float().mean().item()
    print(f"epoch {epoch} train loss {mean:.3f} clean validation accuracy {acc:.3f}")
