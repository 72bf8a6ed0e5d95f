"""Small grid search: each candidate is trained from scratch, the best on validation is retrained on all data."""
import itertools
import torch
import torch.nn as nn

torch.set_num_threads(1)


def make_data():
    g = torch.Generator().manual_seed(0)
    x = torch.randn(700, 11, generator=g)
    w = torch.randn(11, generator=g)
    q = x @ w * 0.4 + torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] * 0.5 + 0.3 * torch.randn(700, generator=g)
    return x, q.unsqueeze(1)


def build(width, dropout):
    return nn.Sequential(nn.Linear(11, width), nn.GELU(), nn.Dropout(dropout),
                         nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 1))


def train(model, x, y, lr, epochs, xv=None, yv=None):
    opt = torch.optim.Adam(model.parameters(), lr=lr)
    loss_fn = nn.HuberLoss()
    last = None
    for _ in range(epochs):
        model.train()
        last = 0.0
        for idx in torch.randperm(len(x)).split(50):
            opt.zero_grad()
            loss = loss_fn(model(x[idx]), y[idx])
            loss.backward()
            opt.step()
            last += loss.item() * len(idx) / len(x)
    model.eval()
    if xv is None:
        return last, None
    with torch.no_grad():
        return last, loss_fn(model(xv), yv).item()


def main():
    x, y = make_data()
    xt, yt, xv, yv, xe, ye = x[:450], y[:450], x[450:600], y[450:600], x[600:], y[600:]
    results = []
    for width, dropout, lr in itertools.product([16, 64], [0.0, 0.15], [1e-3, 5e-3]):
        torch.manual_seed(100)
        model = build(width, dropout)
        tr, va = train(model, xt, yt, lr, 35, xv, yv)
        results.append((va, width, dropout, lr))
        print(f"width {width:3d} dropout {dropout:.2f} lr {lr:.0e}: train {tr:.3f} val {va:.3f}")
    _, width, dropout, lr = min(results)
    torch.manual_seed(101)
    final = build(width, dropout)
    tr, te = train(final, x[:600], y[:600], lr, 50, xe, ye)
    print(f"chosen width {width} dropout {dropout} lr {lr}: train {tr:.3f} test {te:.3f}")


if __name__ == "__main__":
    main()
