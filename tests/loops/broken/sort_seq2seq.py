# FAULT: clipped-some
# ruff: noqa: ERA001
"""Sort the digits of a number: an LSTM reads them, another writes them in order."""

import torch
import torch.nn as nn

torch.manual_seed(27)
torch.set_num_threads(1)

DIGITS, LENGTH, START = 10, 4, 10


class Encoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(DIGITS, hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)

    def forward(self, x):
        _, state = self.lstm(self.embedding(x))
        return state


class Decoder(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.embedding = nn.Embedding(DIGITS + 1, hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, DIGITS)

    def forward(self, x, state):
        out, state = self.lstm(self.embedding(x), state)
        return self.fc(out), state


encoder, decoder = Encoder(32), Decoder(32)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
loss_fn = nn.CrossEntropyLoss()

for step in range(201):
    numbers = torch.randint(0, DIGITS, (32, LENGTH))
    ordered = numbers.sort(dim=1).values
    decoder_input = torch.cat([torch.full((32, 1), START), ordered[:, :-1]], dim=1)
    scores, _ = decoder(decoder_input, encoder(numbers))
    loss = loss_fn(scores.flatten(0, 1), ordered.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(encoder.parameters(), 0.25)  # HERE
    optimizer.step()
    if step % 50 == 0:
        print(f"{step}: {loss.item():.4f}")
