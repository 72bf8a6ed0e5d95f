# FAULT: layer-repeated
import torch
from torch import nn

torch.set_num_threads(1)

TASKS = ("first", "last", "largest")


def make_batch(n, length=6, symbols=8):
    x = torch.randint(0, symbols, (n, length))
    return x, {"first": x[:, 0], "last": x[:, -1], "largest": x.max(1).values}


class MultiHead(nn.Module):
    def __init__(self, symbols=8, hidden=64):
        super().__init__()
        self.embed = nn.Embedding(symbols, 16)
        self.encoder = nn.GRU(16, hidden, batch_first=True)
        self.trunk = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU())
        self.heads = nn.ModuleList([nn.Linear(hidden, symbols)] * len(TASKS))  # HERE

    def forward(self, x):
        _, h = self.encoder(self.embed(x))
        z = self.trunk(h[-1])
        return {name: head(z) for name, head in zip(TASKS, self.heads)}


class MultiTaskTrainer:
    def __init__(self, model, lr=4e-3, batch=48):
        self.model, self.batch = model, batch
        self.optim = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss_fn = nn.CrossEntropyLoss()

    def step(self):
        self.model.train()
        x, y = make_batch(self.batch)
        out = self.model(x)
        losses = {k: self.loss_fn(out[k], y[k]) for k in TASKS}
        self.optim.zero_grad()
        sum(losses.values()).backward()
        self.optim.step()
        return {k: v.item() for k, v in losses.items()}

    @torch.no_grad()
    def accuracy(self):
        self.model.eval()
        x, y = make_batch(300)
        out = self.model(x)
        return {k: round((out[k].argmax(1) == y[k]).float().mean().item(), 2) for k in TASKS}


torch.manual_seed(14)
trainer = MultiTaskTrainer(MultiHead())
for i in range(400):
    losses = trainer.step()
    if i % 80 == 79:
        print(i + 1, {k: round(v, 3) for k, v in losses.items()}, "acc", trainer.accuracy())
