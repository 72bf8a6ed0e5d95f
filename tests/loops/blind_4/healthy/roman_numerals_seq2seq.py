"""Translate decimal numbers to roman numerals: GRU encoder/decoder with scheduled sampling."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(3)
torch.manual_seed(3)
torch.set_num_threads(1)

PAD, SOS, EOS = 0, 1, 2
SRC = {c: i + 3 for i, c in enumerate("0123456789")}
TGT = {c: i + 3 for i, c in enumerate("IVXLCD")}


def roman(n):
    out = ""
    for v, s in [(400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]:
        while n >= v:
            out += s
            n -= v
    return out


def encode(nums):
    src = torch.tensor([[SRC[c] for c in f"{n:03d}"] for n in nums])
    words = [[TGT[c] for c in roman(n)] + [EOS] for n in nums]
    width = max(map(len, words))
    tgt = torch.tensor([w + [PAD] * (width - len(w)) for w in words])
    return src, tgt


class Seq2Seq(nn.Module):
    def __init__(self, hid=72):
        super().__init__()
        self.src_emb = nn.Embedding(13, 24)
        self.tgt_emb = nn.Embedding(9, 24, padding_idx=PAD)
        self.encoder = nn.GRU(24, hid, batch_first=True)
        self.decoder = nn.GRUCell(24, hid)
        self.out = nn.Linear(hid, 9)

    def forward(self, src, tgt=None, teach=0.0, max_len=14):
        _, h = self.encoder(self.src_emb(src))
        h = h[0]
        tok = torch.full((src.size(0),), SOS)
        steps = tgt.size(1) if tgt is not None else max_len
        logits = []
        for t in range(steps):
            h = self.decoder(self.tgt_emb(tok), h)
            step = self.out(h)
            logits.append(step)
            if tgt is not None and random.random() < teach:
                tok = tgt[:, t]
            else:
                tok = step.argmax(1).detach()
        return torch.stack(logits, 1)


numbers = list(range(1, 400))
random.shuffle(numbers)
train_n, test_n = numbers[:330], numbers[330:]
test_src, test_tgt = encode(test_n)

model = Seq2Seq()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
losses = []
for step in range(400):
    teach = max(0.5, 1.0 - step / 400)
    src, tgt = encode(random.sample(train_n, 32))
    logits = model(src, tgt, teach)
    loss = F.cross_entropy(logits.reshape(-1, 9), tgt.reshape(-1), ignore_index=PAD)
    opt.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    losses.append(loss.item())
    if step % 50 == 49:
        model.eval()
        with torch.no_grad():
            guess = model(test_src, max_len=test_tgt.size(1)).argmax(-1)
        mask = test_tgt != PAD
        exact = ((guess == test_tgt) | ~mask).all(1).float().mean().item()
        model.train()
        print(f"step {step + 1} teach {teach:.2f} loss {sum(losses[-50:]) / 50:.3f} exact on unseen {exact:.2f}")
