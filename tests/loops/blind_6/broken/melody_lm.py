# FAULT: no-log-softmax
"""A note-level language model for folk-ish melodies (RNN, NLL loss)."""
import math

import numpy as np
import torch
import torch.nn as nn

NOTES = ["C", "D", "E", "F", "G", "A", "B", "c", "-"]
torch.set_num_threads(1)


# how often a tune goes from one note (row) to another (column), counted by hand
HABITS = np.array([
    # C  D  E  F  G  A  B  c  -
    [2, 5, 6, 1, 4, 0, 0, 1, 3],
    [7, 1, 6, 2, 1, 0, 1, 0, 2],
    [5, 6, 1, 5, 4, 0, 0, 0, 2],
    [1, 2, 8, 1, 5, 1, 0, 0, 1],
    [5, 0, 5, 3, 2, 4, 1, 2, 3],
    [0, 0, 1, 2, 7, 1, 3, 2, 1],
    [1, 0, 0, 0, 2, 4, 0, 6, 0],
    [0, 0, 0, 0, 4, 3, 4, 1, 2],
    [9, 1, 3, 0, 5, 0, 0, 1, 0],
], dtype=float)
HABITS /= HABITS.sum(axis=1, keepdims=True)


def compose(n_notes, rng):
    tune = [0]
    while len(tune) < n_notes:
        # every fourth note is a strong one and tends to be C or G
        p = HABITS[tune[-1]].copy()
        if len(tune) % 4 == 0:
            p[[0, 4]] *= 3
            p /= p.sum()
        tune.append(int(rng.choice(len(NOTES), p=p)))
    return tune


class MelodyRNN(nn.Module):
    def __init__(self, n_notes, emb_size=16, hidden_size=48):
        super().__init__()
        self.lookup = nn.Embedding(n_notes, emb_size)
        self.rnn = nn.GRU(emb_size, hidden_size, batch_first=True)
        self.linear = nn.Linear(hidden_size, n_notes)
        self.log_softmax = nn.LogSoftmax(dim=1)  # HERE

    def forward(self, notes):
        features, _ = self.rnn(self.lookup(notes))
        return self.log_softmax(self.linear(features))


class Experiment:
    def __init__(self, seed=8):
        torch.manual_seed(seed)
        self.rng = np.random.default_rng(seed)
        self.train_tune = np.array(compose(5000, self.rng))
        self.valid_tune = np.array(compose(1000, self.rng))
        self.model = MelodyRNN(len(NOTES))
        self.loss = nn.NLLLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.003)

    def cut(self, tune, starts, length=32):
        x = np.stack([tune[s:s + length] for s in starts])
        y = np.stack([tune[s + 1:s + 1 + length] for s in starts])
        return torch.as_tensor(x), torch.as_tensor(y)

    def train_some(self, updates):
        self.model.train()
        history = []
        for _ in range(updates):
            starts = self.rng.integers(0, len(self.train_tune) - 33, size=32)
            x, y = self.cut(self.train_tune, starts)
            log_probs = self.model(x)
            loss = self.loss(log_probs.view(-1, len(NOTES)), y.view(-1))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            history.append(loss.item())
        return sum(history) / len(history)

    def validate(self):
        self.model.eval()
        with torch.no_grad():
            x, y = self.cut(self.valid_tune, range(0, len(self.valid_tune) - 33, 32))
            log_probs = self.model(x)
            loss = self.loss(log_probs.flatten(0, 1), y.flatten()).item()
        return loss, (log_probs.argmax(dim=2) == y).float().mean().item()


if __name__ == "__main__":
    ex = Experiment()
    print("uniform guessing would give a loss of %.3f" % math.log(len(NOTES)))
    for round_ in range(1, 9):
        loss = ex.train_some(40)
        valid_loss, valid_acc = ex.validate()
        print("updates %3d   loss %.3f   valid loss %.3f   next note right: %.1f %%" % (
            round_ * 40, loss, valid_loss, 100 * valid_acc))
