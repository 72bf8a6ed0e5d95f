# FAULT: targets-are-inputs
# Seq2Seq (GRU encoder + GRU decoder): "38+25" -> "sixty three"
import random
import time

import torch
import torch.nn as nn
import torch.optim as optim

SEED = 1234
random.seed(SEED)
torch.manual_seed(SEED)
torch.set_num_threads(1)

SMALL = ('zero one two three four five six seven eight nine ten eleven twelve thirteen '
         'fourteen fifteen sixteen seventeen eighteen nineteen').split()
TENS = 'x x twenty thirty forty fifty sixty seventy eighty ninety'.split()


def spell(n):
    if n < 20:
        return SMALL[n]
    if n < 100:
        return TENS[n // 10] + ('' if n % 10 == 0 else ' ' + SMALL[n % 10])
    rest = '' if n % 100 == 0 else ' and ' + spell(n % 100)
    return SMALL[n // 100] + ' hundred' + rest


def random_pair():
    a, b = random.randrange(100), random.randrange(100)
    return f'{a}+{b}', spell(a + b)


SRC_VOCAB = ['<pad>'] + list('0123456789+')
TRG_VOCAB = ['<pad>', '<sos>', '<eos>'] + list('abcdefghijklmnopqrstuvwxyz ')
s2i = {c: i for i, c in enumerate(SRC_VOCAB)}
t2i = {c: i for i, c in enumerate(TRG_VOCAB)}

MAX_SRC, MAX_TRG = 5, 31


def to_tensors(pairs):
    # source is padded on the left so that the encoder ends on a real character
    src = torch.zeros(len(pairs), MAX_SRC, dtype=torch.long)
    trg = torch.zeros(len(pairs), MAX_TRG, dtype=torch.long)
    for i, (s, t) in enumerate(pairs):
        ids = [s2i[c] for c in s]
        src[i, MAX_SRC - len(ids):] = torch.tensor(ids)
        ids = [1] + [t2i[c] for c in t] + [2]
        trg[i, :len(ids)] = torch.tensor(ids)
    return src, trg


class Encoder(nn.Module):
    def __init__(self, emb_dim, hid_dim):
        super().__init__()
        self.embedding = nn.Embedding(len(SRC_VOCAB), emb_dim, padding_idx=0)
        self.rnn = nn.GRU(emb_dim, hid_dim, batch_first=True)

    def forward(self, src):
        _, hidden = self.rnn(self.embedding(src))
        return hidden


class Decoder(nn.Module):
    def __init__(self, emb_dim, hid_dim):
        super().__init__()
        self.embedding = nn.Embedding(len(TRG_VOCAB), emb_dim, padding_idx=0)
        self.rnn = nn.GRU(emb_dim, hid_dim, batch_first=True)
        self.fc_out = nn.Linear(hid_dim, len(TRG_VOCAB))

    def forward(self, token, hidden):
        output, hidden = self.rnn(self.embedding(token.unsqueeze(1)), hidden)
        return self.fc_out(output.squeeze(1)), hidden


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, src, trg, teacher_forcing_ratio=0.9):
        hidden = self.encoder(src)
        token = trg[:, 0]
        outputs = []
        for t in range(1, trg.shape[1]):
            logits, hidden = self.decoder(token, hidden)
            outputs.append(logits)
            teacher_force = random.random() < teacher_forcing_ratio
            token = trg[:, t] if teacher_force else logits.argmax(1)
        return torch.stack(outputs, dim=1)


def train(model, src, trg, optimizer, criterion, batch_size=64):
    model.train()
    epoch_loss = 0
    perm = torch.randperm(len(src))
    for i in range(0, len(src), batch_size):
        idx = perm[i:i + batch_size]
        optimizer.zero_grad()
        output = model(src[idx], trg[idx])
        loss = criterion(output.flatten(0, 1), trg[idx][:, 1:].flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
    return epoch_loss / len(src)


def evaluate(model, src, trg, criterion):
    model.eval()
    with torch.no_grad():
        output = model(src, trg)  # HERE
        loss = criterion(output.flatten(0, 1), trg[:, 1:].flatten()).item()
        mask = trg[:, 1:] != 0
        acc = (output.argmax(-1) == trg[:, 1:])[mask].float().mean().item()
    return loss, acc


train_src, train_trg = to_tensors([random_pair() for _ in range(1400)])
test_src, test_trg = to_tensors([random_pair() for _ in range(300)])

model = Seq2Seq(Encoder(24, 64), Decoder(16, 64))
optimizer = optim.Adam(model.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss(ignore_index=0)

for epoch in range(7):
    start = time.time()
    train_loss = train(model, train_src, train_trg, optimizer, criterion)
    test_loss, test_acc = evaluate(model, test_src, test_trg, criterion)
    print(f'Epoch: {epoch + 1:02} | Train Loss: {train_loss:.3f} | Test Loss: {test_loss:.3f} | Test char acc: {test_acc:.3f}')
