"""Word vectors by skip-gram with negative samples: sparse gradients for the tables, Adam for the scale."""

import random

import torch
from torch import nn
from torch.nn.functional import logsigmoid

torch.manual_seed(6)
random.seed(6)
torch.set_num_threads(1)

TOPICS = [
    ["bread", "butter", "cheese", "milk", "honey", "jam"],
    ["guitar", "drum", "violin", "flute", "piano", "harp"],
    ["rain", "snow", "wind", "storm", "fog", "hail"],
]
documents = [random.choices(random.choice(TOPICS), k=8) for _ in range(700)]
vocabulary = sorted({w for topic in TOPICS for w in topic})
index = {w: i for i, w in enumerate(vocabulary)}


def neighbours(document, reach=2):
    for i, center in enumerate(document):
        for j in range(max(0, i - reach), min(len(document), i + reach + 1)):
            if i != j:
                yield index[center], index[document[j]]


pairs = torch.tensor([pair for document in documents for pair in neighbours(document)])


class SkipGram(nn.Module):
    def __init__(self, words, dim=12):
        super().__init__()
        self.center = nn.Embedding(words, dim, sparse=True)
        self.context = nn.Embedding(words, dim, sparse=True)
        self.scale = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))

    def score(self, center, context):
        return self.scale * (self.center(center) * self.context(context)).sum(-1) + self.bias

    def forward(self, center, context, negatives):
        right = logsigmoid(self.score(center, context))
        wrong = logsigmoid(-self.score(center.unsqueeze(1), negatives)).mean(1)
        return -(right + wrong).mean()


model = SkipGram(len(vocabulary))
sparse_optimizer = torch.optim.SparseAdam([model.center.weight, model.context.weight], lr=0.02)
dense_optimizer = torch.optim.Adam([model.scale, model.bias], lr=0.005)

for epoch in range(2):
    order = torch.randperm(len(pairs))
    total, batches = 0.0, 0
    for chosen in order.split(128):
        center, context = pairs[chosen].unbind(1)
        negatives = torch.randint(0, len(vocabulary), (len(chosen), 5))
        loss = model(center, context, negatives)
        sparse_optimizer.zero_grad()
        dense_optimizer.zero_grad()
        loss.backward()
        sparse_optimizer.step()
        dense_optimizer.step()
        total += loss.item()
        batches += 1
    print(f"epoch {epoch + 1}: {batches} batches, mean loss {total / batches:.3f}, last {loss.item():.3f}")
