# FAULT: batch-taken-for-time
import random
import torch
from torch import nn

random.seed(2)
torch.manual_seed(2)
torch.set_num_threads(1)

GRAMMAR = {
    "DET": ["the", "a", "every", "some"],
    "ADJ": ["red", "old", "quick", "lazy", "light"],
    "NOUN": ["dog", "cat", "walk", "light", "play", "man"],
    "VERB": ["walk", "play", "sees", "light", "likes"],
    "ADV": ["slowly", "often", "never"],
}
TAGS = list(GRAMMAR)
PATTERNS = [
    ["DET", "NOUN", "VERB", "DET", "NOUN", "ADV"],
    ["DET", "ADJ", "NOUN", "VERB", "DET", "NOUN"],
    ["DET", "NOUN", "ADV", "VERB", "DET", "NOUN"],
    ["ADV", "DET", "NOUN", "VERB", "DET", "NOUN"],
    ["DET", "ADJ", "ADJ", "NOUN", "ADV", "VERB"],
]
WORDS = sorted({w for ws in GRAMMAR.values() for w in ws})
W2I = {w: i for i, w in enumerate(WORDS)}


def sentences(n):
    xs, ys = [], []
    for _ in range(n):
        p = random.choice(PATTERNS)
        xs.append([W2I[random.choice(GRAMMAR[t])] for t in p])
        ys.append([TAGS.index(t) for t in p])
    return torch.tensor(xs), torch.tensor(ys)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(WORDS), 20)
        self.rnn = nn.GRU(20, 24, bidirectional=True, batch_first=True)
        self.proj = nn.Linear(48, len(TAGS))

    def forward(self, x):
        scores = self.proj(self.rnn(self.emb(x))[0])
        return scores


train_x, train_y = sentences(1600)
test_x, test_y = sentences(300)
tagger = Tagger()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(tagger.parameters(), lr=3e-3)

for epoch in range(1, 16):
    tagger.train()
    total = 0.0
    for idx in torch.randperm(len(train_x)).split(40):
        optimizer.zero_grad()
        scores = tagger(train_x[idx])
        scores = scores.view(scores.size(0), len(TAGS), -1)  # HERE
        loss = criterion(scores, train_y[idx])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
    tagger.eval()
    with torch.no_grad():
        acc = (tagger(test_x).argmax(-1) == test_y).float().mean().item()
    print(f"epoch {epoch:2d} loss {total / len(train_x):.4f} tag accuracy {acc:.3f}")
