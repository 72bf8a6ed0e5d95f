# FAULT: state-of-another-text
# ruff: noqa: ERA001
# Proverbs, a GRU, and chunks of the text picked by chance.
import random

import torch
from torch import nn

torch.manual_seed(9)
random.seed(9)
torch.set_num_threads(1)

proverbs = [
    "a stitch in time saves nine.",
    "all that glitters is not gold.",
    "better late than never.",
    "birds of a feather flock together.",
    "every cloud has a silver lining.",
    "still waters run deep.",
    "too many cooks spoil the broth.",
]
text = " ".join(random.choice(proverbs) for _ in range(400))
chars = sorted(set(text))
to_ix = {c: i for i, c in enumerate(chars)}
chunk_len, batch_size, n_steps = 24, 10, 200


class RNN(nn.Module):
    def __init__(self, n_chars, n_hidden):
        super().__init__()
        self.n_hidden = n_hidden
        self.encoder = nn.Embedding(n_chars, n_hidden)
        self.gru = nn.GRU(n_hidden, n_hidden, batch_first=True)
        self.decoder = nn.Linear(n_hidden, n_chars)

    def forward(self, x, hidden):
        output, hidden = self.gru(self.encoder(x), hidden)
        return self.decoder(output), hidden


def random_chunks():
    chunks = []
    for _ in range(batch_size):
        start = random.randint(0, len(text) - chunk_len - 1)
        chunks.append([to_ix[c] for c in text[start : start + chunk_len + 1]])
    chunks = torch.tensor(chunks)
    return chunks[:, :-1], chunks[:, 1:]


net = RNN(len(chars), 40)
opt = torch.optim.RMSprop(net.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss()

hidden = torch.zeros(1, batch_size, net.n_hidden)
for step in range(1, n_steps + 1):
    inp, target = random_chunks()
    output, hidden = net(inp, hidden)  # HERE
    hidden = hidden.detach()
    loss = criterion(output.reshape(-1, len(chars)), target.reshape(-1))
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    if step % 50 == 0:
        print(f"[{step}/{n_steps}] {loss.item():.4f}")
