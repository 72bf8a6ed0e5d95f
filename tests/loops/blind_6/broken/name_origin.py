# FAULT: batch-taken-for-time
# coding: utf-8
# Which (invented) country does a name come from?  BiLSTM over characters.
import random
import string
from collections import namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F

Example = namedtuple("Example", "name country")

ENDINGS = {
    "Norvia": ["sson", "gaard", "dahl", "vik"],
    "Castella": ["ez", "ado", "illo", "ona"],
    "Slavonia": ["ovic", "enko", "sky", "ova"],
    "Nippora": ["moto", "yama", "kawa", "hara"],
    "Britland": ["ton", "worth", "ley", "field"],
}
COUNTRIES = list(ENDINGS)
CHARS = string.ascii_lowercase


def random_name(rng):
    country = rng.choice(COUNTRIES)
    stem = "".join(rng.choice("bcdfghklmnprstv") + rng.choice("aeiou") for _ in range(rng.randint(1, 3)))
    return Example(stem + rng.choice(ENDINGS[country]), country)


def group_by_length(examples, batch_size, rng):
    """Batches of names that all have the same length, so no padding is needed."""
    buckets = {}
    for e in examples:
        buckets.setdefault(len(e.name), []).append(e)
    result = []
    for bucket in buckets.values():
        rng.shuffle(bucket)
        for i in range(0, len(bucket), batch_size):
            part = bucket[i:i + batch_size]
            x = torch.tensor([[CHARS.index(c) for c in e.name] for e in part])
            y = torch.tensor([COUNTRIES.index(e.country) for e in part])
            result.append((x, y))
    rng.shuffle(result)
    return result


class NameClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(CHARS), 16)
        self.bilstm = nn.LSTM(16, 32, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * 32, len(COUNTRIES))

    def forward(self, names):
        _, (h_n, _) = self.bilstm(self.embed(names))
        features = h_n.view(names.size(0), -1)  # HERE
        return self.fc(F.dropout(features, 0.2, self.training))


def evaluate(net, batches):
    net.eval()
    hits = n = 0
    with torch.no_grad():
        for x, y in batches:
            hits += int((net(x).argmax(dim=1) == y).sum())
            n += len(y)
    return hits / n


rng = random.Random(2024)
torch.manual_seed(2024)
torch.set_num_threads(1)
train_names = [random_name(rng) for _ in range(1500)]
test_names = [random_name(rng) for _ in range(400)]
print("e.g.", [tuple(e) for e in train_names[:4]])

net = NameClassifier()
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3)
test_batches = group_by_length(test_names, 32, rng)
for epoch in range(8):
    net.train()
    total, k = 0.0, 0
    for x, y in group_by_length(train_names, 32, rng):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        k += len(y)
    print(f"epoch {epoch + 1}: loss {total / k:.3f}, test accuracy {evaluate(net, test_batches):.1%}")
