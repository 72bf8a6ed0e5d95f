import copy
import torch
import torch.nn as nn

torch.manual_seed(27)
torch.set_num_threads(1)
VOCAB, LENGTH, CLASSES = 12, 10, 4


def make(n):
    """Class = how often token 0 occurs (0, 1, 2 or 3 times)."""
    y = torch.randint(0, CLASSES, (n,))
    x = torch.randint(1, VOCAB, (n, LENGTH))
    place = torch.rand(n, LENGTH).argsort(1).argsort(1)
    return torch.where(place < y[:, None], torch.zeros_like(x), x), y


class Encoder(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, d)
        self.pos = nn.Parameter(torch.zeros(1, LENGTH, d))
        layer = nn.TransformerEncoderLayer(d, 4, 64, dropout=0.1, batch_first=True)
        self.enc = nn.TransformerEncoder(layer, 1)
        self.fc = nn.Linear(d, CLASSES)

    def forward(self, x):
        return self.fc(self.enc(self.emb(x) + self.pos).mean(1))


class EMA:
    def __init__(self, model, decay=0.97):
        self.decay, self.shadow = decay, copy.deepcopy(model).eval()
        for p in self.shadow.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for s, p in zip(self.shadow.parameters(), model.parameters()):
            s.lerp_(p, 1 - self.decay)


model = Encoder()
ema = EMA(model)
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 25))
criterion = nn.CrossEntropyLoss(label_smoothing=0.2)      # cannot fall below about 0.75
x_test, y_test = make(400)
for step in range(1, 301):
    model.train()
    x, y = make(48)
    loss = criterion(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    ema.update(model)
    if step % 60 == 0:
        with torch.no_grad():
            acc = (ema.shadow(x_test).argmax(1) == y_test).float().mean().item()
        print(f'{step} loss {loss.item():.3f} accuracy of the averaged weights {acc:.3f}')
