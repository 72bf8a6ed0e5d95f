# FAULT: rate-gone
# ruff: noqa: ERA001
"""A small causal transformer that learns to write times of day in words."""

import random

import torch
import torch.nn as nn

torch.manual_seed(77)
random.seed(77)
torch.set_num_threads(1)

HOURS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
PARTS = ["five past", "ten past", "quarter past", "half past", "quarter to", "ten to"]
times = [f"it is {random.choice(PARTS)} {random.choice(HOURS)} now." for _ in range(1000)]
width = max(map(len, times)) + 1
alphabet = ["\0", *sorted(set("".join(times)))]
table = torch.tensor([[alphabet.index(c) for c in t.ljust(width, "\0")] for t in times])


class TransformerLM(nn.Module):
    def __init__(self, vocab, d_model=32):
        super().__init__()
        self.tokens = nn.Embedding(vocab, d_model)
        self.positions = nn.Embedding(width, d_model)
        layer = nn.TransformerEncoderLayer(d_model, nhead=2, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1)
        self.head = nn.Linear(d_model, vocab)

    def forward(self, x):
        t = x.size(1)
        mask = nn.Transformer.generate_square_subsequent_mask(t)
        h = self.tokens(x) + self.positions(torch.arange(t))
        return self.head(self.encoder(h, mask=mask, is_causal=True))


model = TransformerLM(len(alphabet))
criterion = nn.CrossEntropyLoss(ignore_index=0)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)  # halve the rate every three epochs

n_epochs, batch_size = 4, 25
for epoch in range(n_epochs):
    total = 0.0
    for rows in torch.randperm(len(table)).split(batch_size):
        batch = table[rows]
        logits = model(batch[:, :-1])
        loss = criterion(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()  # HERE
        total += loss.item()
    print(f"epoch {epoch}: {total * batch_size / len(table):.3f}, rate {scheduler.get_last_lr()[0]:.2e}")
