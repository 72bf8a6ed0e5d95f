"""LSTM forecaster with an exponential moving average of the weights; the averaged copy is what gets validated."""
import copy
import torch
import torch.nn as nn

torch.set_num_threads(1)


class Forecast(nn.Module):
    def __init__(self, hid=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hid, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(hid, 1)

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.fc(self.drop(y[:, -1]))


class EMA:
    def __init__(self, model, decay=0.97):
        self.decay = decay
        self.shadow = copy.deepcopy(model).eval()
        self.shadow.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.lerp_(p, 1 - self.decay)


class Trainer:
    def __init__(self, seed=0):
        torch.manual_seed(seed)
        t = torch.arange(900, dtype=torch.float)
        s = torch.sin(t / 5) * torch.cos(t / 23) + 0.05 * torch.randn(900)
        w = s.unfold(0, 21, 1)
        self.train_w, self.val_w = w[:700], w[730:]
        self.model = Forecast()
        self.ema = EMA(self.model)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=4e-3)
        self.loss = nn.SmoothL1Loss()

    def split(self, w):
        return w[:, :-1].unsqueeze(-1), w[:, -1:]

    def epoch(self):
        self.model.train()
        tot = 0.0
        for j in torch.randperm(len(self.train_w)).split(28):
            x, y = self.split(self.train_w[j])
            l = self.loss(self.model(x), y)
            self.opt.zero_grad()
            l.backward()
            self.opt.step()
            self.ema.update(self.model)
            tot += l.item() * len(j)
        return tot / len(self.train_w)

    @torch.no_grad()
    def validate(self):
        x, y = self.split(self.val_w)
        self.model.eval()
        return self.loss(self.model(x), y).item(), self.loss(self.ema.shadow(x), y).item()


tr = Trainer()
for e in range(9):
    train = tr.epoch()
    raw, avg = tr.validate()
    print(f"epoch {e} train {train:.4f} val {raw:.4f} val of the average {avg:.4f}")
