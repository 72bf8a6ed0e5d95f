# FAULT: targets-are-inputs
# ruff: noqa: ERA001
"""Predict the next character of a nursery rhyme; windows with a fresh state, drawn at random."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(31)
torch.set_num_threads(1)

RHYME = (
    "hey diddle diddle, the cat and the fiddle, the cow jumped over the moon. "
    "the little dog laughed to see such sport and the dish ran away with the spoon. "
)
SEQ = 30


class CharDataset(Dataset):
    def __init__(self, text):
        self.chars = sorted(set(text))
        index = {c: i for i, c in enumerate(self.chars)}
        self.data = torch.tensor([index[c] for c in text])

    def __len__(self):
        return len(self.data) - SEQ - 1

    def __getitem__(self, i):
        x = self.data[i : i + SEQ]
        y = self.data[i : i + SEQ]  # HERE
        return x, y


class CharModel(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.emb = nn.Embedding(vocab, 24)
        self.lstm = nn.LSTM(24, 40, batch_first=True)
        self.fc = nn.Linear(40, vocab)

    def forward(self, x):
        out, _ = self.lstm(self.emb(x))
        return self.fc(out)


dataset = CharDataset(RHYME * 20)
loader = DataLoader(dataset, batch_size=16, shuffle=True)
model = CharModel(len(dataset.chars))
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()

model.train()
for step, (x, y) in enumerate(loader, start=1):
    optimizer.zero_grad()
    pred = model(x)
    loss = criterion(pred.transpose(1, 2), y)
    loss.backward()
    optimizer.step()
    if step % 60 == 0:
        print(f"batch {step}: {loss.item():.4f}")

# what comes after "the "?
with torch.no_grad():
    x = torch.tensor([[dataset.chars.index(c) for c in "the "]])
    print("after 'the ' comes", repr(dataset.chars[model(x)[0, -1].argmax().item()]))
