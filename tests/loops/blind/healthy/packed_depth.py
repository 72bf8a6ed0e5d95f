import random
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

random.seed(19)
torch.manual_seed(19)
torch.set_num_threads(1)
PAD = 0
alphabet = '_' + '0123456789()+-*'


def expression():
    """Brackets of varying depth; the label of each position is the depth there."""
    s, depth, depths = '', 0, []
    for _ in range(random.randint(6, 20)):
        c = random.choice('()' + '37+-*')
        if c == '(' and depth < 3:
            depth += 1
        elif c == ')' and depth > 0:
            depth -= 1
        elif c in '()':
            c = '+'
        s += c
        depths.append(depth)
    return [alphabet.index(c) for c in s], depths


def batch(n):
    items = sorted((expression() for _ in range(n)), key=lambda it: len(it[0]), reverse=True)
    lengths = [len(s) for s, _ in items]
    x = torch.full((n, lengths[0]), PAD)
    y = torch.full((n, lengths[0]), -100)
    for row, (s, d) in enumerate(items):
        x[row, :len(s)] = torch.tensor(s)
        y[row, :len(s)] = torch.tensor(d)
    return x, y, torch.tensor(lengths)


class DepthNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(len(alphabet), 12, padding_idx=PAD)
        self.lstm = nn.LSTM(12, 32, batch_first=True)
        self.out = nn.Linear(32, 4)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.embed(x), lengths, batch_first=True)
        hidden, _ = self.lstm(packed)
        hidden, _ = pad_packed_sequence(hidden, batch_first=True)
        return self.out(hidden)


net = DepthNet()
optimizer = torch.optim.Adam(net.parameters(), lr=6e-3)
criterion = nn.CrossEntropyLoss(ignore_index=-100)
for step in range(1, 251):
    x, y, lengths = batch(24)
    scores = net(x, lengths)
    loss = criterion(scores.view(-1, 4), y.view(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        known = y != -100
        print(step, f'loss {loss.item():.3f} accuracy {(scores.argmax(-1) == y)[known].float().mean():.3f}')
