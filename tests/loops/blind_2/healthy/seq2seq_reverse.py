"""Seq2seq with attention (PyTorch tutorial style): reverse a string of letters. Two optimisers, random teacher forcing."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim

torch.set_num_threads(1)
random.seed(55)
torch.manual_seed(55)
SOS, N_SYM, LEN = 0, 9, 5
teacher_forcing_ratio = 0.7


class EncoderRNN(nn.Module):
    def __init__(self, n, hidden):
        super().__init__()
        self.embedding = nn.Embedding(n, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, x):
        return self.gru(self.embedding(x))


class AttnDecoderRNN(nn.Module):
    def __init__(self, n, hidden):
        super().__init__()
        self.embedding = nn.Embedding(n, hidden)
        self.Wa, self.Ua, self.Va = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, 1)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.out = nn.Linear(hidden, n)

    def step(self, token, hidden, enc):
        scores = self.Va(torch.tanh(self.Wa(hidden.transpose(0, 1)) + self.Ua(enc))).squeeze(-1)
        context = torch.bmm(F.softmax(scores, -1).unsqueeze(1), enc)
        y, hidden = self.gru(torch.cat([self.embedding(token), context], -1), hidden)
        return self.out(y), hidden

    def forward(self, enc, hidden, target=None):
        token = torch.full((enc.size(0), 1), SOS, dtype=torch.long)
        outputs = []
        for t in range(LEN):
            logits, hidden = self.step(token, hidden, enc)
            outputs.append(logits)
            token = target[:, t:t + 1] if target is not None else logits.argmax(-1).detach()
        return torch.cat(outputs, 1)


def pairs(n):
    x = torch.randint(1, N_SYM, (n, LEN))
    return x, x.flip(1)


encoder, decoder = EncoderRNN(N_SYM, 48), AttnDecoderRNN(N_SYM, 48)
encoder_optimizer = optim.Adam(encoder.parameters(), lr=5e-3)
decoder_optimizer = optim.Adam(decoder.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()


def train_step(x, y):
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    enc, hidden = encoder(x)
    logits = decoder(enc, hidden, y if random.random() < teacher_forcing_ratio else None)
    loss = criterion(logits.reshape(-1, N_SYM), y.reshape(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
    nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    encoder_optimizer.step()
    decoder_optimizer.step()
    return loss.item()


total = 0.0
for it in range(1, 301):
    total += train_step(*pairs(32))
    if it % 50 == 0:
        with torch.no_grad():
            x, y = pairs(200)
            acc = (decoder(*encoder(x)).argmax(-1) == y).all(1).float().mean().item()
        print(f"{it:4d} loss {total / 50:.4f} exact {acc:.3f}")
        total = 0.0
