# FAULT: batch-taken-for-time
import random

import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

SEED = 31
WORDS = "one two three four five six seven eight nine ten".split()


def build_corpus(n_lines):
    """counting songs: up or down from a random number, wrapping around"""
    stream = []
    for _ in range(n_lines):
        k, d = random.randrange(10), random.choice([1, -1])
        stream.append([(k + d * j) % 10 for j in range(13)])
    return torch.tensor(stream)


class CountingLM(nn.Module):
    def __init__(self, n_tokens, n_embed, n_hidden, n_layers, dropout):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, n_embed)
        self.lstm = nn.LSTM(n_embed, n_hidden, n_layers, dropout=dropout)
        self.linear = nn.Linear(n_hidden, n_tokens)

    def forward(self, x):
        out, _ = self.lstm(self.embedding(x))
        return self.linear(out)


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        inputs = inputs.t()
        targets = targets.reshape(-1)  # HERE
        optimizer.zero_grad()
        logits = model(inputs)
        loss = criterion(logits.reshape(-1, logits.size(-1)), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
    return total / len(loader)


def continue_song(model, start, n=8):
    model.eval()
    seq = list(start)
    with torch.no_grad():
        for _ in range(n):
            logits = model(torch.tensor(seq).unsqueeze(1))
            seq.append(logits[-1, 0].argmax().item())
    return " ".join(WORDS[i] for i in seq)


if __name__ == "__main__":
    torch.set_num_threads(1)
    random.seed(SEED)
    torch.manual_seed(SEED)
    songs = build_corpus(1200)
    loader = DataLoader(TensorDataset(songs[:, :-1], songs[:, 1:]), batch_size=32, shuffle=True, drop_last=True)
    net = CountingLM(10, 16, 48, 2, 0.1)
    opt = optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(1, 9):
        print(f"epoch {epoch}: loss {train_epoch(net, loader, nn.CrossEntropyLoss(), opt):.4f}")
        print("   ", continue_song(net, [2, 3]))
