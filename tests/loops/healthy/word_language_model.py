"""Word-level language model: tied LSTM, streams in columns, rate divided when validation stops improving."""

import math
import random

import torch
import torch.nn as nn

NHID, LR, BPTT = 32, 5.0, 12
torch.manual_seed(1111)
torch.set_num_threads(1)
random.seed(1111)


def corpus(n):
    animals, actions, places = ["fox", "old fox", "owl", "bear"], ["sleeps", "hunts"], ["forest", "dark cave", "field"]
    pick = random.choice
    return " ".join(f"the {pick(animals)} {pick(actions)} in the {pick(places)} <eos>" for _ in range(n)).split()


def batchify(words, bsz):
    ids = torch.tensor([dictionary[w] for w in words])
    return ids[: len(ids) // bsz * bsz].view(bsz, -1).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self, ntoken, nhid):
        super().__init__()
        self.nhid = nhid
        self.drop = nn.Dropout(0.1)
        self.encoder = nn.Embedding(ntoken, nhid)
        self.rnn = nn.LSTM(nhid, nhid)
        self.decoder = nn.Linear(nhid, ntoken)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)

    def forward(self, tokens, hidden):
        output, hidden = self.rnn(self.drop(self.encoder(tokens)), hidden)
        return self.decoder(self.drop(output)).flatten(0, 1), hidden

    def init_hidden(self, bsz):
        return torch.zeros(1, bsz, self.nhid), torch.zeros(1, bsz, self.nhid)


def repackage_hidden(h):
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage_hidden(v) for v in h)


def run(source, training):
    model.train(training)
    hidden, total = model.init_hidden(source.size(1)), 0.0
    for i in range(0, len(source) - 1, BPTT):
        seq_len = min(BPTT, len(source) - 1 - i)
        data, targets = source[i : i + seq_len], source[i + 1 : i + 1 + seq_len].flatten()
        hidden = repackage_hidden(hidden)
        with torch.set_grad_enabled(training):
            output, hidden = model(data, hidden)
            loss = criterion(output, targets)
        if training:
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            optimizer.step()
        total += seq_len * loss.item()
    return total / (len(source) - 1)


train_words, valid_words = corpus(900), corpus(100)
dictionary = {w: i for i, w in enumerate(sorted(set(train_words)))}
train_data, val_data = batchify(train_words, 10), batchify(valid_words, 5)
model = RNNModel(len(dictionary), NHID)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=LR)
best = float("inf")
for epoch in range(1, 5):
    train_loss, val_loss = run(train_data, training=True), run(val_data, training=False)
    print(f"epoch {epoch} | train {train_loss:.2f} | valid {val_loss:.2f} | ppl {math.exp(val_loss):.2f}")
    if val_loss >= best:
        optimizer.param_groups[0]["lr"] /= 4.0
    best = min(best, val_loss)
