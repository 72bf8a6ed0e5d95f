# FAULT: training-in-eval-mode
"""Classify the mood of short reviews: embeddings, a GRU, dropout."""

import random

import torch
from torch import nn
from torch.utils.data import DataLoader

torch.manual_seed(40)
random.seed(40)
torch.set_num_threads(1)

KIND = ["wonderful", "charming", "fresh", "clever", "funny", "moving"]
HARSH = ["dull", "noisy", "empty", "tired", "clumsy", "bland"]
OTHER = ["the", "a", "film", "plot", "music", "actor", "scene", "was", "and", "with", "very", "quite", "rather"]
IDS = {w: i for i, w in enumerate(KIND + HARSH + OTHER)}


def review():
    label = random.randint(0, 1)
    words = (
        random.choices(OTHER, k=10) + random.choices(KIND if label else HARSH, k=2) + random.choices(KIND + HARSH, k=1)
    )
    random.shuffle(words)
    return torch.tensor([IDS[w] for w in words]), label


class MoodNet(nn.Module):
    def __init__(self, n_words):
        super().__init__()
        self.embedding = nn.Embedding(n_words, 16)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(24, 2)

    def forward(self, x):
        x = self.dropout(self.embedding(x))
        _, h = self.gru(x)
        return self.fc(self.dropout(h[-1]))


def evaluate(model, loader):
    model.eval()  # HERE
    correct, loss = 0, 0.0
    with torch.no_grad():
        for x, y in loader:
            logits = model(x)
            loss += criterion(logits, y).item()
            correct += (logits.argmax(1) == y).sum().item()
    return loss / len(loader), correct / len(loader.dataset)


train_loader = DataLoader([review() for _ in range(600)], batch_size=20, shuffle=True)
valid_loader = DataLoader([review() for _ in range(120)], batch_size=60)
model = MoodNet(len(IDS))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

model.train()
for epoch in range(1, 6):
    total = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    valid_loss, valid_acc = evaluate(model, valid_loader)
    print(f"{epoch}: train {total / len(train_loader):.3f}, valid {valid_loss:.3f}, accuracy {valid_acc:.1%}")
