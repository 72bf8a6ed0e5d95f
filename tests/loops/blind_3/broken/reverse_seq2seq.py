# FAULT: learning-rate-too-low
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import LambdaLR

torch.set_num_threads(1)
torch.manual_seed(17)

VOCAB, LEN, SOS = 10, 5, 10
PEAK_LR, WARMUP, TOTAL = 4e-3, 30, 300


class Encoder(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, 24)
        self.rnn = nn.GRU(24, h, batch_first=True)

    def forward(self, src):
        return self.rnn(self.emb(src))[1]


class Decoder(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.emb = nn.Embedding(VOCAB + 1, 24)
        self.rnn = nn.GRU(24, h, batch_first=True)
        self.out = nn.Linear(h, VOCAB)

    def forward(self, inp, h):
        y, h = self.rnn(self.emb(inp), h)
        return self.out(y), h


def schedule(step):
    if step < WARMUP:
        return PEAK_LR * (step + 1) / WARMUP
    return PEAK_LR * max(0.0, (TOTAL - step) / (TOTAL - WARMUP))


def batch(n=48):
    src = torch.randint(0, VOCAB, (n, LEN))
    tgt = src.flip(1)
    inp = torch.cat([torch.full((n, 1), SOS), tgt[:, :-1]], dim=1)
    return src, inp, tgt


@torch.no_grad()
def greedy_accuracy(enc, dec):
    src, _, tgt = batch(200)
    h, tok, outs = enc(src), torch.full((200, 1), SOS), []
    for _ in range(LEN):
        logits, h = dec(tok, h)
        tok = logits.argmax(-1)
        outs.append(tok)
    return (torch.cat(outs, 1) == tgt).float().mean().item()


enc, dec = Encoder(64), Decoder(64)
params = list(enc.parameters()) + list(dec.parameters())
optimizer = torch.optim.Adam(params, lr=PEAK_LR)
scheduler = LambdaLR(optimizer, lr_lambda=schedule)  # HERE
criterion = nn.CrossEntropyLoss()

for step in range(TOTAL):
    src, inp, tgt = batch()
    logits, _ = dec(inp, enc(src))
    loss = criterion(logits.reshape(-1, VOCAB), tgt.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(params, 1.0)
    optimizer.step()
    scheduler.step()
    if step % 50 == 49:
        print(f"step {step + 1:3d} loss {loss.item():.3f} greedy accuracy {greedy_accuracy(enc, dec):.3f}")
