# FAULT: wrong-shape
# ruff: noqa: ERA001
"""Tag every word of a sentence: noun, verb or other."""

import random

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(1)
random.seed(1)
torch.set_num_threads(1)

NOUNS = ["child", "farmer", "horse", "tree", "song"]
VERBS = ["sings", "plants", "rides", "draws"]
OTHERS = ["the", "a", "small", "old"]
WORDS = NOUNS + VERBS + OTHERS


def sentence():
    kinds = (OTHERS, OTHERS, NOUNS, VERBS, OTHERS, NOUNS)
    words = [random.choice(kind) for kind in kinds]
    return [WORDS.index(w) for w in words], [(NOUNS, VERBS, OTHERS).index(kind) for kind in kinds]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), 12)
        self.rnn = nn.RNN(12, 20, batch_first=True)
        self.tag = nn.Linear(20, 3)

    def forward(self, x):
        out, _ = self.rnn(self.embedding(x))
        return self.tag(out)


def train(model, data, epochs=5, batch_size=20):
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        random.shuffle(data)
        for i in range(0, len(data), batch_size):
            words, tags = (torch.tensor(column) for column in zip(*data[i : i + batch_size], strict=True))
            optimizer.zero_grad()
            scores = model(words)
            loss = criterion(scores, tags)  # HERE
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.4f}")


if __name__ == "__main__":
    train(Tagger(), [sentence() for _ in range(600)])
