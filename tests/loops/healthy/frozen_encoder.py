"""Transfer: a GRU trained as a language model is frozen, and a classifier is trained on top of it."""

import random

import torch
from torch import nn

torch.manual_seed(5)
random.seed(5)
torch.set_num_threads(1)

PLACES = ["garden", "kitchen", "station", "library"]
GOOD = ["lovely", "bright", "quiet", "warm"]
BAD = ["awful", "dark", "noisy", "cold"]
WORDS = ["the", "was", "and", "very", "rather", "today", *PLACES, *GOOD, *BAD]
IDS = {w: i for i, w in enumerate(WORDS)}


def make_review():
    label = random.randint(0, 1)
    mood = GOOD if label else BAD
    words = [
        "the",
        random.choice(PLACES),
        "was",
        random.choice(["very", "rather"]),
        random.choice(mood),
        "and",
        random.choice(mood),
        "today",
    ]
    return [IDS[w] for w in words], label


def batch(n=32):
    rows, labels = zip(*(make_review() for _ in range(n)), strict=True)
    return torch.tensor(rows), torch.tensor(labels)


class Encoder(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), dim)
        self.gru = nn.GRU(dim, dim, batch_first=True)

    def forward(self, x):
        return self.gru(self.embedding(x))[0]


encoder = Encoder()
lm_head = nn.Linear(24, len(WORDS))
loss_fn = nn.CrossEntropyLoss()

# 1. language modelling
optimizer = torch.optim.Adam([*encoder.parameters(), *lm_head.parameters()], lr=5e-3)
for step in range(150):
    x, _ = batch()
    logits = lm_head(encoder(x[:, :-1]))
    loss = loss_fn(logits.flatten(0, 1), x[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0 or step == 149:
        print(f"language model {step}: {loss.item():.3f}")

# 2. the encoder stays as it is
encoder.requires_grad_(False)
encoder.eval()
classifier = nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(classifier.parameters(), lr=0.1, momentum=0.9)
for step in range(150):
    x, y = batch()
    logits = classifier(encoder(x)[:, -1])
    loss = loss_fn(logits, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0 or step == 149:
        print(f"classifier {step}: {loss.item():.3f}")
