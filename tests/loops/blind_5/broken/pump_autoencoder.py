# FAULT: losses-kept
import time
import torch
import torch.nn as nn


def rss_mb():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * 4096 / 2 ** 20


class LSTMAutoencoder(nn.Module):
    """compresses a window of pump vibrations into one vector, then unrolls it again"""

    def __init__(self, n_feat=3, hidden=64):
        super().__init__()
        self.encoder = nn.LSTM(n_feat, hidden, batch_first=True)
        self.decoder = nn.LSTM(hidden, hidden, batch_first=True)
        self.output = nn.Linear(hidden, n_feat)

    def forward(self, x):
        _, (h, _) = self.encoder(x)
        code = h[-1].unsqueeze(1).repeat(1, x.size(1), 1)
        y, _ = self.decoder(code)
        return self.output(y)


def vibrations(n, T=24):
    t = torch.arange(T) / T
    freq = torch.rand(n, 1, 1) * 0.5 + 0.5
    phase = torch.rand(n, 1, 3) * 6.28
    return torch.sin(6.28 * freq * t[None, :, None] + phase) + 0.05 * torch.randn(n, T, 3)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(31)
    train, val = vibrations(1024), vibrations(256)
    model = LSTMAutoencoder()
    opt = torch.optim.Adam(model.parameters(), lr=4e-3)
    mse = nn.MSELoss()
    history = {"train": [], "val": []}
    t0 = time.time()
    for epoch in range(25):
        model.train()
        tr = 0.0
        for idx in torch.randperm(len(train)).split(64):
            opt.zero_grad()
            loss = mse(model(train[idx]), train[idx])
            loss.backward()
            opt.step()
            tr += loss.item()
        model.eval()
        val_loss = 0
        for xb in val.split(64):
            val_loss += mse(model(xb), xb)
        val_loss = val_loss / 4
        history["train"].append(tr / 16)
        history["val"].append(val_loss)  # HERE
        if epoch % 4 == 0:
            print("epoch %2d  train %.4f  val %.4f  best val %.4f  [%.1fs, %d MB]" % (
                epoch, tr / 16, val_loss, min(history["val"]), time.time() - t0, rss_mb()))
    print("process memory at the end: %d MB" % rss_mb())


if __name__ == "__main__":
    main()
