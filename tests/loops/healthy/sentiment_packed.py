"""Sequence classification with packed sequences, validation and early stopping."""

import copy
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

torch.manual_seed(21)
torch.set_num_threads(1)
random.seed(21)

VOCAB = 40  # 0 is padding; 1-5 are kind words, 6-10 are unkind ones


def make_example():
    label = random.randint(0, 1)
    words = [random.randint(11, VOCAB - 1) for _ in range(random.randint(3, 14))]
    for _ in range(2):
        words.insert(random.randint(0, len(words)), random.randint(1, 5) if label else random.randint(6, 10))
    return torch.tensor(words), label if random.random() < 0.9 else 1 - label  # not all labels are right


def collate(items):
    lengths = torch.tensor([len(x) for x, _ in items])
    return pad_sequence([x for x, _ in items], batch_first=True), lengths, torch.tensor([y for _, y in items])


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 24, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(24, 2)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        _, (h_n, _) = self.lstm(packed)
        return self.fc(self.dropout(h_n[-1]))


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    losses = [criterion(model(x, n), y).item() for x, n, y in loader]
    return sum(losses) / len(losses)


train_loader = DataLoader([make_example() for _ in range(660)], batch_size=20, shuffle=True, collate_fn=collate)
valid_loader = DataLoader([make_example() for _ in range(100)], batch_size=50, collate_fn=collate)
model = Classifier()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

best, best_weights, patience = float("inf"), None, 2
for epoch in range(8):
    model.train()
    total = 0.0
    for x, lengths, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x, lengths), y)
        loss.backward()
        optimizer.step()
        total += loss.item()
    valid = evaluate(model, valid_loader, criterion)
    print(f"epoch {epoch}: train {total / len(train_loader):.3f}, valid {valid:.3f}")
    if valid < best - 1e-3:
        best, best_weights, patience = valid, copy.deepcopy(model.state_dict()), 2
    else:
        patience -= 1
        if patience == 0:
            print("stopped early")
            break
model.load_state_dict(best_weights)
