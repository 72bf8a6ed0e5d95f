# FAULT: class-ignored
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

torch.set_num_threads(1)
torch.manual_seed(8)

LABELS = {"O": 0, "PER": 1, "LOC": 2}
people = ["alice", "bob", "carol", "dave"]
places = ["paris", "rome", "oslo", "lima"]
fillers = ["went", "to", "met", "in", "saw", "from", "and", "with", "yesterday", "the"]
vocab = {w: i + 1 for i, w in enumerate(people + places + fillers)}


def sentence():
    n = int(torch.randint(4, 10, (1,)))
    kinds = torch.multinomial(torch.tensor([0.6, 0.2, 0.2]), n, replacement=True).tolist()
    banks = [fillers, people, places]
    toks = [banks[k][int(torch.randint(0, len(banks[k]), (1,)))] for k in kinds]
    return torch.tensor([vocab[t] for t in toks]), torch.tensor(kinds)


def collate(items):
    toks, tags = zip(*items)
    return pad_sequence(toks, batch_first=True), pad_sequence(tags, batch_first=True)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(vocab) + 1, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 24, batch_first=True, bidirectional=True)
        self.cls = nn.Linear(48, len(LABELS))

    def forward(self, x):
        return self.cls(self.lstm(self.emb(x))[0])


train_dl = DataLoader([sentence() for _ in range(400)], batch_size=20, shuffle=True, collate_fn=collate)
test_dl = DataLoader([sentence() for _ in range(80)], batch_size=20, collate_fn=collate)

model = Tagger()
criterion = nn.CrossEntropyLoss(ignore_index=0)  # HERE
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(10):
    model.train()
    losses = []
    for x, y in train_dl:
        optimizer.zero_grad()
        loss = criterion(model(x).transpose(1, 2), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    hit = {k: [0, 0] for k in LABELS}
    with torch.no_grad():
        for x, y in test_dl:
            pred = model(x).argmax(-1)
            for name, k in LABELS.items():
                m = (y == k) & (x != 0)
                hit[name][0] += (pred[m] == k).sum().item()
                hit[name][1] += m.sum().item()
    recall = {k: round(a / b, 2) for k, (a, b) in hit.items()}
    print(f"epoch {epoch} loss {sum(losses) / len(losses):.4f} recall {recall}")
