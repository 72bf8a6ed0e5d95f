# FAULT: state-of-another-text
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)


def make_data(n, length=8, seed=0):
    """Which of four doors did the visitor open first?"""
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 4, (n, length), generator=g)
    return x, x[:, 0].clone()


class FirstDoor(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(4, 8)
        self.gru = nn.GRU(8, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 4)

    def forward(self, x, h=None):
        seq, h = self.gru(self.embed(x), h)
        return self.out(seq[:, -1]), h


def run_epoch(model, loader, optimizer, loss_fn):
    h = None
    seen, right, total = 0, 0, 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        logits, h = model(xb, h)  # HERE
        h = h.detach()
        loss = loss_fn(logits, yb)
        loss.backward()
        optimizer.step()
        seen += len(yb)
        right += (logits.argmax(1) == yb).sum().item()
        total += loss.item() * len(yb)
    return total / seen, right / seen


def main():
    torch.manual_seed(3)
    x, y = make_data(1200, seed=1)
    xv, yv = make_data(300, seed=2)
    loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)
    model = FirstDoor()
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(10):
        model.train()
        tr_loss, tr_acc = run_epoch(model, loader, optimizer, loss_fn)
        model.eval()
        with torch.no_grad():
            logits, _ = model(xv)
            acc = (logits.argmax(1) == yv).float().mean().item()
        print(f"[{epoch}] train loss {tr_loss:.3f} acc {tr_acc:.3f} | val acc {acc:.3f}")


if __name__ == "__main__":
    main()
