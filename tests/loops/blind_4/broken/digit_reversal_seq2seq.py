# FAULT: targets-are-inputs
import random
import torch
import torch.nn as nn
import torch.optim as optim

random.seed(0)
torch.manual_seed(0)
torch.set_num_threads(1)

SOS = 10
VOCAB = 11
LEN = 5


class Encoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 24)
        self.gru = nn.GRU(24, dim, batch_first=True)

    def forward(self, src):
        _, h = self.gru(self.embedding(src))
        return h


class Decoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 24)
        self.gru = nn.GRU(24, dim, batch_first=True)
        self.fc = nn.Linear(dim, VOCAB)

    def forward(self, tokens, h):
        out, h = self.gru(self.embedding(tokens), h)
        return self.fc(out), h


def batch(n):
    src = torch.randint(0, 10, (n, LEN))
    return src, src.flip(1)


@torch.no_grad()
def exact_match(enc, dec, n=200):
    enc.eval(); dec.eval()
    src, tgt = batch(n)
    h = enc(src)
    tok = torch.full((n, 1), SOS)
    outs = []
    for _ in range(LEN):
        logits, h = dec(tok, h)
        tok = logits.argmax(-1)
        outs.append(tok)
    pred = torch.cat(outs, 1)
    enc.train(); dec.train()
    return (pred == tgt).float().mean().item()


encoder, decoder = Encoder(96), Decoder(96)
opt = optim.Adam(list(encoder.parameters()) + list(decoder.parameters()), lr=4e-3)
criterion = nn.CrossEntropyLoss()

for it in range(1, 601):
    src, tgt = batch(64)
    h = encoder(src)
    logits, _ = decoder(tgt, h)  # HERE
    loss = criterion(logits.flatten(0, 1), tgt.flatten())
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
    nn.utils.clip_grad_norm_(decoder.parameters(), 1.0)
    opt.step()
    if it % 100 == 0:
        print(f"iter {it}: loss {loss.item():.4f}, free-running token accuracy {exact_match(encoder, decoder):.3f}")
