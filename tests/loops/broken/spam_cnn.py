# FAULT: wrong-type
# ruff: noqa: ERA001
"""Spam or not, from the words of a message: embeddings, a convolution over time, the maximum."""

import random

import torch
from torch import nn

torch.manual_seed(70)
random.seed(70)
torch.set_num_threads(1)

SPAM = ["winner", "prize", "free", "click", "offer"]
HAM = ["meeting", "lunch", "report", "monday", "thanks"]
COMMON = ["the", "you", "for", "is", "now", "please", "we", "at"]
VOCABULARY = {w: i for i, w in enumerate(SPAM + HAM + COMMON)}


def message():
    spam = random.random() < 0.5
    words = random.choices(COMMON, k=9) + random.choices(SPAM if spam else HAM, k=3)
    random.shuffle(words)
    return [VOCABULARY[w] for w in words], spam


class TextCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(VOCABULARY), 16)
        self.conv = nn.Conv1d(16, 24, kernel_size=3)
        self.fc = nn.Linear(24, 1)

    def forward(self, x):
        x = self.embedding(x).transpose(1, 2)
        return self.fc(torch.relu(self.conv(x)).amax(dim=2)).squeeze(1)


messages = [message() for _ in range(800)]
texts = torch.tensor([words for words, _ in messages])
labels = torch.tensor([int(spam) for _, spam in messages])

model = TextCNN()
criterion = nn.BCEWithLogitsLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(5):
    for rows in torch.randperm(len(texts)).split(25):
        optimizer.zero_grad()
        loss = criterion(model(texts[rows]), labels[rows])  # HERE
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
