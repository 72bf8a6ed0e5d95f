"""Which cell is best? The same forecasting task for three kinds of recurrent nets, each model is trained anew with its own optimiser."""
import time
import torch
import torch.nn as nn

torch.set_num_threads(1)


def make_series(n=900, seed=0):
    g = torch.Generator().manual_seed(seed)
    t = torch.arange(n).float()
    s = 10 + 3 * torch.sin(2 * torch.pi * t / 24) + 1.5 * torch.sin(2 * torch.pi * t / 9) + 0.2 * torch.randn(n, generator=g)
    return s


def split(series, look_back=24, ratio=0.8):
    cut = int(len(series) * ratio)
    mean, std = series[:cut].mean(), series[:cut].std()
    z = (series - mean) / std
    def xy(part):
        w = part.unfold(0, look_back + 1, 1)
        return w[:, :-1, None], w[:, -1:]
    return xy(z[:cut]), xy(z[cut:])


class Net(nn.Module):
    def __init__(self, kind, hidden=24):
        super().__init__()
        self.rnn = getattr(nn, kind)(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.fc(out[:, -1])


def fit(kind, train, test, updates=160, batch=32):
    torch.manual_seed(7)
    net = Net(kind)
    opt = torch.optim.Adam(net.parameters(), lr=8e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, step_size=1, gamma=0.7)
    x, y = train
    done, epoch, start = 0, 0, time.time()
    while done < updates:
        total, n = 0.0, 0
        for idx in torch.randperm(len(x)).split(batch):
            loss = nn.functional.smooth_l1_loss(net(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total, n, done = total + loss.item(), n + 1, done + 1
        sched.step()
        if epoch % 2 == 0:
            print(f"  {kind:4s} epoch {epoch} loss {total / n:.4f} lr {sched.get_last_lr()[0]:.5f}")
        epoch += 1
    with torch.no_grad():
        mse = nn.functional.mse_loss(net(test[0]), test[1]).item()
    return mse, time.time() - start


if __name__ == "__main__":
    train, test = split(make_series())
    results = {kind: fit(kind, train, test) for kind in ("RNN", "GRU", "LSTM")}
    for kind, (mse, sec) in sorted(results.items(), key=lambda kv: kv[1]):
        print(f"{kind}: test mse {mse:.4f} in {sec:.1f}s")
