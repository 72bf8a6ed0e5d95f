"""Word-level GRU on single sentences, with gradients accumulated over four micro-batches."""

import random

import torch
import torch.nn as nn

torch.manual_seed(8)
random.seed(8)
torch.set_num_threads(1)

GRAMMAR = {
    "S": [["NP", "VP"]],
    "NP": [["the", "N"], ["a", "N"], ["the", "ADJ", "N"]],
    "VP": [["V", "NP"], ["V", "NP", "P", "NP"]],
    "N": [["king"], ["horse"], ["castle"], ["knight"], ["dragon"]],
    "ADJ": [["brave"], ["old"], ["green"]],
    "V": [["saw"], ["chased"], ["found"]],
    "P": [["near"], ["behind"]],
}


def expand(symbol):
    if symbol not in GRAMMAR:
        return [symbol]
    return [word for part in random.choice(GRAMMAR[symbol]) for word in expand(part)]


sentences = [["<s>", *expand("S"), "</s>"] for _ in range(1952)]
words = ["<pad>", *sorted({w for s in sentences for w in s})]
word_ids = {w: i for i, w in enumerate(words)}


def to_batch(group):
    longest = max(len(s) for s in group)
    ids = torch.zeros(len(group), longest, dtype=torch.long)
    for row, sentence in enumerate(group):
        ids[row, : len(sentence)] = torch.tensor([word_ids[w] for w in sentence])
    return ids[:, :-1], ids[:, 1:]


class WordRNN(nn.Module):
    def __init__(self, n_words):
        super().__init__()
        self.emb = nn.Embedding(n_words, 24)
        self.rnn = nn.GRU(24, 32, batch_first=True)
        self.out = nn.Linear(32, n_words)

    def forward(self, x):
        return self.out(self.rnn(self.emb(x))[0])


micro_batch, accumulation_steps = 8, 4
model = WordRNN(len(words))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss(ignore_index=0)

model.train()
for epoch in range(2):
    random.shuffle(sentences)
    losses = []
    optimizer.zero_grad()
    for i in range(len(sentences) // micro_batch):
        x, y = to_batch(sentences[i * micro_batch : (i + 1) * micro_batch])
        loss = criterion(model(x).transpose(1, 2), y)
        (loss / accumulation_steps).backward()
        losses.append(loss.item())
        if (i + 1) % accumulation_steps == 0:
            optimizer.step()
            optimizer.zero_grad()
    print(f"epoch {epoch}: first 20 {sum(losses[:20]) / 20:.3f}, last 20 {sum(losses[-20:]) / 20:.3f}")
