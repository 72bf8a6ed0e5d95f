# FAULT: learning-rate-too-high
"""A GRU on a made-up language whose every second word follows from the one before; gradient descent by hand."""

import torch
from torch import nn

torch.manual_seed(0)
words = 200
text = torch.randint(0, words, (20_000,))
text[1::2] = (text[::2] * 7 + 1) % words
columns = text.view(20, -1).t().contiguous()

embedding, rnn, head = nn.Embedding(words, 64), nn.GRU(64, 64), nn.Linear(64, words)
parameters = [*embedding.parameters(), *rnn.parameters(), *head.parameters()]
criterion = nn.CrossEntropyLoss()
lr, clip, bptt = 200.0, 0.25, 35

hidden = None
for epoch in range(8):
    for begin in range(0, len(columns) - bptt - 1, bptt):
        inputs, targets = columns[begin : begin + bptt], columns[begin + 1 : begin + 1 + bptt]
        if hidden is not None:
            hidden = hidden.detach()
        for parameter in parameters:
            parameter.grad = None
        outputs, hidden = rnn(embedding(inputs), hidden)
        loss = criterion(head(outputs).flatten(0, 1), targets.flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, clip)
        for parameter in parameters:
            parameter.data.add_(parameter.grad, alpha=-lr)
    hidden = None
    print(f"epoch {epoch}: loss {loss.item():.2f}")
