"""Sequence to sequence: reverse a string. An encoder and a decoder, each with its own optimiser."""

import random

import torch
import torch.nn as nn
from torch import optim

torch.manual_seed(12)
random.seed(12)
torch.set_num_threads(1)

LETTERS = "abcdefgh"
SOS = len(LETTERS)
LENGTH = 4
teacher_forcing_ratio = 0.5


class Encoder(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS), hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def forward(self, x):
        _, hidden = self.gru(self.embedding(x))
        return hidden[0]


class Decoder(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS) + 1, hidden_size)
        self.cell = nn.GRUCell(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, len(LETTERS))

    def forward(self, x, hidden):
        hidden = self.cell(self.embedding(x), hidden)
        return self.out(hidden), hidden


def train_step(source, target, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion):
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    hidden = encoder(source)
    decoder_input = torch.full((source.size(1),), SOS)
    use_teacher_forcing = random.random() < teacher_forcing_ratio
    loss = 0
    for t in range(LENGTH):
        output, hidden = decoder(decoder_input, hidden)
        loss = loss + criterion(output, target[t])
        decoder_input = target[t] if use_teacher_forcing else output.argmax(1).detach()
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    return loss.item() / LENGTH


encoder, decoder = Encoder(24), Decoder(24)
encoder_optimizer = optim.Adam(encoder.parameters(), lr=1e-2)
decoder_optimizer = optim.Adam(decoder.parameters(), lr=1e-2)
criterion = nn.CrossEntropyLoss()

total = 0.0
for i in range(1, 201):
    source = torch.randint(0, len(LETTERS), (LENGTH, 32))
    target = source.flip(0)
    total += train_step(source, target, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion)
    if i % 50 == 0:
        print(f"{i}: mean loss per letter {total / 50:.3f}")
        total = 0.0
