# FAULT: state-of-another-text
import math
import torch
from torch import nn
from torch.utils.data import TensorDataset, DataLoader

torch.set_num_threads(1)


class BalanceModel(nn.Module):
    """Predicts the account balance after each transaction (all accounts open with 0)."""

    def __init__(self, hidden_size: int = 32):
        super().__init__()
        self.rnn = nn.GRU(input_size=1, hidden_size=hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, 1)

    def forward(self, x, h0=None):
        out, hn = self.rnn(x, h0)
        return self.fc(out).squeeze(-1), hn


class Trainer:
    def __init__(self, net, train_dl, val_dl, lr=5e-3):
        self.net = net
        self.train_dl = train_dl
        self.val_dl = val_dl
        self.optim = torch.optim.Adam(net.parameters(), lr=lr)
        self.criterion = nn.MSELoss()
        self.state = None

    def train_epoch(self):
        self.net.train()
        self.state = None
        running = 0.0
        for xb, yb in self.train_dl:
            self.optim.zero_grad()
            pred, state = self.net(xb, self.state)  # HERE
            loss = self.criterion(pred, yb)
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optim.step()
            self.state = state.detach()
            running += loss.item()
        return running / len(self.train_dl)

    @torch.no_grad()
    def validate(self):
        self.net.eval()
        se, n = 0.0, 0
        for xb, yb in self.val_dl:
            pred, _ = self.net(xb)
            se += ((pred - yb) ** 2).sum().item()
            n += yb.numel()
        return math.sqrt(se / n)

    def fit(self, epochs):
        for ep in range(epochs):
            tr = self.train_epoch()
            va = self.validate()
            if (ep + 1) % 3 == 0:
                print("Epoch {:>2}: train mse {:.4f}   val rmse {:.4f}".format(ep + 1, tr, va))


def build(n, seed):
    g = torch.Generator().manual_seed(seed)
    amounts = torch.randn(n, 15, 1, generator=g) * 0.5
    balance = amounts.squeeze(-1).cumsum(dim=1)
    return TensorDataset(amounts, balance)


if __name__ == "__main__":
    torch.manual_seed(2024)
    train_dl = DataLoader(build(1920, 1), batch_size=64, shuffle=True, drop_last=True)
    val_dl = DataLoader(build(512, 2), batch_size=128)
    Trainer(BalanceModel(), train_dl, val_dl).fit(18)
