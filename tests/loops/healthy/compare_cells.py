"""Compare RNN, GRU and LSTM, one after the other, on remembering the first symbol of a sequence."""

import torch
from torch import nn

torch.set_num_threads(1)

SYMBOLS = 6
LENGTH = 7


def make_batch(n=24):
    x = torch.randint(0, SYMBOLS, (n, LENGTH))
    return x, x[:, 0] // 2


class Remember(nn.Module):
    def __init__(self, kind, hidden=24):
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, 12)
        self.rnn = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[kind](12, hidden, batch_first=True)
        self.classify = nn.Linear(hidden, SYMBOLS // 2)

    def forward(self, x):
        out, _ = self.rnn(self.embedding(x))
        return self.classify(out[:, -1])


def train(kind, updates=170, lr=1e-2):
    torch.manual_seed(0)
    model = Remember(kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    loss_fn = nn.CrossEntropyLoss()
    history = []
    for _ in range(updates):
        x, y = make_batch()
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        history.append(loss.item())
    return history


results = {kind: train(kind) for kind in ("rnn", "gru", "lstm")}
for kind, history in results.items():
    print(f"{kind:5s} first {sum(history[:10]) / 10:.3f}  last {sum(history[-10:]) / 10:.3f}")
