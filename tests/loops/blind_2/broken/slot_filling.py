# FAULT: sparse-targets
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(8)
rs = np.random.RandomState(8)

TAGS = ["O", "CITY", "DATE", "TIME"]
templates = [
    "fly from CITY to CITY on DATE please",
    "book a table at TIME",
    "what is the weather in CITY on DATE",
    "wake me at TIME on DATE",
    "train to CITY",
]
fill = {
    "CITY": ["paris", "may", "nice", "rome", "march"],
    "DATE": ["monday", "may", "friday", "march"],
    "TIME": ["noon", "six", "ten", "midnight"],
}


def utterance():
    words, tags = [], []
    for w in rs.choice(templates).split():
        words.append(rs.choice(fill[w]) if w in fill else w)
        tags.append(TAGS.index(w) if w in fill else 0)
    return words, tags


vocab = {"<pad>": 0}
for w in " ".join(templates).split() + sum(fill.values(), []):
    vocab.setdefault(w, len(vocab))


def batch(n):
    rows = [utterance() for _ in range(n)]
    lengths = torch.tensor([len(w) for w, _ in rows])
    x = torch.zeros(n, int(lengths.max()), dtype=torch.long)
    y = torch.zeros_like(x)
    for i, (w, t) in enumerate(rows):
        x[i, :len(w)] = torch.tensor([vocab[v] for v in w])
        y[i, :len(t)] = torch.tensor(t)
    return x, y, lengths


class SlotFiller(nn.Module):
    def __init__(self, d=24, h=32):
        super().__init__()
        self.emb = nn.Embedding(len(vocab), d, padding_idx=0)
        self.gru = nn.GRU(d, h, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * h, len(TAGS))

    def forward(self, x):
        return self.fc(self.gru(self.emb(x))[0])


def masked_loss(logits, y, lengths):
    positions = torch.arange(y.size(1)).unsqueeze(0)
    mask = (positions >= lengths.unsqueeze(1)).float()  # HERE
    ce = F.cross_entropy(logits.transpose(1, 2), y, reduction="none")
    return (ce * mask).sum() / mask.sum().clamp(min=1)


model = SlotFiller()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(1, 301):
    x, y, lengths = batch(24)
    optimizer.zero_grad()
    loss = masked_loss(model(x), y, lengths)
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        xe, ye, le = batch(200)
        with torch.no_grad():
            pred = model(xe).argmax(-1)
        slots = ye > 0
        print(f"step {step} loss {loss.item():.4f} slot accuracy {(pred[slots] == ye[slots]).float().mean().item():.3f}")
