# FAULT: validation-in-train-mode
# In words: the validation loss is measured with the model still in train mode, dropout at work
import torch
import torch.nn as nn

torch.manual_seed(31)
torch.set_num_threads(1)


def data(n, length=14):
    """Tag each step with the majority symbol of the last three (labels 10% wrong)."""
    x = torch.randint(0, 2, (n, length))
    padded = torch.cat([torch.zeros(n, 2, dtype=torch.long), x], dim=1)
    y = ((padded[:, 2:] + padded[:, 1:-1] + padded[:, :-2]) >= 2).long()
    y = torch.where(torch.rand(y.shape) < 0.1, 1 - y, y)
    return x, y


class Tagger(nn.Module):
    def __init__(self, hidden=20, p=0.5):
        super().__init__()
        self.embed = nn.Embedding(2, 8)
        self.lstm = nn.LSTM(8, hidden, num_layers=2, dropout=p, batch_first=True)
        self.drop = nn.Dropout(p)
        self.out = nn.Linear(hidden, 2)

    def forward(self, x):
        y, _ = self.lstm(self.embed(x))
        return self.out(self.drop(y))


def run_epoch(model, x, y, opt, loss_fn, bs=32):
    model.train()
    total = 0.0
    order = torch.randperm(len(x))
    for k in range(0, len(x), bs):
        pick = order[k:k + bs]
        loss = loss_fn(model(x[pick]).flatten(0, 1), y[pick].flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item() * len(pick)
    return total / len(x)


def validate(model, x, y, loss_fn, bs=64):
    total, right = 0.0, 0
    with torch.no_grad():
        for k in range(0, len(x), bs):
            logits = model(x[k:k + bs])  # HERE
            total += loss_fn(logits.flatten(0, 1), y[k:k + bs].flatten()).item() * len(logits)
            right += (logits.argmax(-1) == y[k:k + bs]).sum().item()
    return total / len(x), right / y.numel()


model = Tagger()
loss_fn = nn.CrossEntropyLoss()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
x_train, y_train = data(800)
x_val, y_val = data(256)
for epoch in range(8):
    tr = run_epoch(model, x_train, y_train, opt, loss_fn)
    va, acc = validate(model, x_val, y_val, loss_fn)
    print(f'epoch {epoch}: train {tr:.4f}  valid {va:.4f}  valid acc {acc:.3f}')
