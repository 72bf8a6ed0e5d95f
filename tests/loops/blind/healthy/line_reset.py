"""Proverbs, one per line. The state runs on from window to window, but is wiped wherever a new line begins."""
import random
import torch
import torch.nn as nn

random.seed(71)
torch.manual_seed(71)
torch.set_num_threads(1)

first = ['a stitch in time', 'the early bird', 'a rolling stone', 'still water']
second = ['saves nine', 'gets the worm', 'gathers no moss', 'runs deep']
lines = []
for _ in range(330):
    k = random.randrange(4)
    lines.append(f'{first[k]} {random.choice(["", "always ", "never ", "often "])}{second[k]}\n')
text = ''.join(lines)
chars = sorted(set(text))
NL = chars.index('\n')
ids = torch.tensor([chars.index(c) for c in text])
rows, window, hidden = 16, 20, 48
per_row = len(ids) // rows
data = ids[:rows * per_row].view(rows, per_row)


class LineModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(chars), hidden)
        self.cell = nn.GRUCell(hidden, hidden)
        self.out = nn.Linear(hidden, len(chars))

    def forward(self, x, h):
        logits = []
        for t in range(x.size(1)):
            keep = (x[:, t] != NL).float().unsqueeze(1)
            h = self.cell(self.emb(x[:, t]), h * keep)
            logits.append(self.out(h))
        return torch.stack(logits, dim=1), h


model = LineModel()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()
for epoch in range(6):
    h = torch.zeros(rows, hidden)
    total = batches = 0
    for start in range(0, per_row - window - 1, window):
        x = data[:, start:start + window]
        y = data[:, start + 1:start + window + 1]
        h = h.detach()
        logits, h = model(x, h)
        loss = criterion(logits.reshape(-1, len(chars)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        batches += 1
    print(f'epoch {epoch}: {batches} windows, loss {total / batches:.4f}')
