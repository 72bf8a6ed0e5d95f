"""
A pocket-sized AWD-LSTM: word-level language model on sentences from a toy grammar.

Ingredients kept from the original recipe (Merity et al. 2017): random BPTT length with
the learning rate rescaled accordingly, hidden state carried from window to window, locked
dropout, weight tying, activation regularisation (AR/TAR), SGD with a hand-annealed lr.
"""
import math
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
random.seed(11)
np.random.seed(11)
torch.manual_seed(11)

# ---------------------------------------------------------------- corpus
ANIMALS = "fox hen owl dog cat mole hare toad".split()
PLACES = "barn wood pond field well gate mill".split()
VERBS = {"s": "sees hears follows avoids likes".split(), "p": "see hear follow avoid like".split()}


def noun(num):
    a = random.choice(ANIMALS)
    return a if num == "s" else a + "+s"


def np_(depth=0):
    num = random.choice("sp")
    words = [random.choice(["the", "a"]) if num == "s" else random.choice(["the", "some"]), noun(num)]
    if depth < 1 and random.random() < 0.35:
        words += ["near", "the", random.choice(PLACES)]
    if depth < 1 and random.random() < 0.25:
        _, inner = np_(depth + 1)
        words += ["that"] + [random.choice(VERBS[num])] + inner
    return num, words


def sentence():
    num, subj = np_()
    _, obj = np_(1)
    out = subj + [random.choice(VERBS[num])] + obj
    if random.random() < 0.4:
        out += ["at", random.choice(["dawn", "dusk", "noon", "night"])]
    return out + ["<eos>"]


def make_stream(n):
    toks = []
    for _ in range(n):
        toks.extend(sentence())
    return toks


train_toks, valid_toks, test_toks = make_stream(2600), make_stream(250), make_stream(250)
itos = sorted(set(train_toks))
stoi = {w: i for i, w in enumerate(itos)}
V = len(itos)


def batchify(toks, bsz):
    ids = torch.tensor([stoi[t] for t in toks])
    n = ids.numel() // bsz
    return ids[: n * bsz].view(bsz, n).t().contiguous()  # (time, batch)


train_data, valid_data, test_data = batchify(train_toks, 20), batchify(valid_toks, 10), batchify(test_toks, 10)


# ---------------------------------------------------------------- model
class LockedDropout(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        m = x.new_empty(1, x.size(1), x.size(2)).bernoulli_(1 - self.p) / (1 - self.p)
        return x * m


class AWD(nn.Module):
    def __init__(self, ntok, emb=48, hid=96):
        super().__init__()
        self.encoder = nn.Embedding(ntok, emb)
        self.rnn1 = nn.LSTM(emb, hid)
        self.rnn2 = nn.LSTM(hid, emb)
        self.drop_in, self.drop_h, self.drop_out = LockedDropout(0.05), LockedDropout(0.1), LockedDropout(0.1)
        self.decoder = nn.Linear(emb, ntok)
        self.decoder.weight = self.encoder.weight  # tied
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        self.sizes = (hid, emb)

    def init_hidden(self, bsz):
        w = next(self.parameters())
        return [(w.new_zeros(1, bsz, s), w.new_zeros(1, bsz, s)) for s in self.sizes]

    def forward(self, ids, hidden):
        x = self.drop_in(self.encoder(ids))
        x, h1 = self.rnn1(x, hidden[0])
        x, h2 = self.rnn2(self.drop_h(x), hidden[1])
        dropped = self.drop_out(x)
        return self.decoder(dropped), [h1, h2], x, dropped


def repackage(h):
    if torch.is_tensor(h):
        return h.detach()
    return type(h)(repackage(v) for v in h)


model = AWD(V)
base_lr, bptt, clip, alpha, beta = 10.0, 30, 0.25, 0.5, 0.25
opt = torch.optim.SGD(model.parameters(), lr=base_lr, weight_decay=1.2e-6)


def evaluate(data):
    model.eval()
    hid, tot = model.init_hidden(data.size(1)), 0.0
    with torch.no_grad():
        for i in range(0, data.size(0) - 1, bptt):
            n = min(bptt, data.size(0) - 1 - i)
            out, hid, _, _ = model(data[i : i + n], hid)
            tot += n * F.cross_entropy(out.flatten(0, 1), data[i + 1 : i + 1 + n].flatten()).item()
    return tot / (data.size(0) - 1)


def babble(n=14):
    model.eval()
    g = torch.Generator().manual_seed(5)  # own generator, so sampling does not disturb training
    hid, tok, words = model.init_hidden(1), torch.tensor([[stoi["<eos>"]]]), []
    with torch.no_grad():
        for _ in range(n):
            out, hid, _, _ = model(tok, hid)
            tok = torch.multinomial(out[0].softmax(-1), 1, generator=g)
            words.append(itos[tok.item()])
    return " ".join(words)


print(f"vocab {V}, train tokens {train_data.numel()}, uniform ppl {V}")
print(f"before training: valid ppl {math.exp(evaluate(valid_data)):.2f} | {babble()}")
best, lr, n_updates = float("inf"), base_lr, 0
for epoch in range(1, 9):
    model.train()
    hid, i, run, cnt = model.init_hidden(train_data.size(1)), 0, 0.0, 0
    while i < train_data.size(0) - 2:
        mean = bptt if random.random() < 0.95 else bptt / 2
        n = max(5, int(np.random.normal(mean, 5)))
        n = min(n, train_data.size(0) - 1 - i)
        opt.param_groups[0]["lr"] = lr * n / bptt
        hid = repackage(hid)
        out, hid, raw, dropped = model(train_data[i : i + n], hid)
        ce = F.cross_entropy(out.flatten(0, 1), train_data[i + 1 : i + 1 + n].flatten())
        loss = ce + alpha * dropped.pow(2).mean()
        if n > 1:
            loss = loss + beta * (raw[1:] - raw[:-1]).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        opt.step()
        run, cnt, i, n_updates = run + ce.item() * n, cnt + n, i + n, n_updates + 1
    val = evaluate(valid_data)
    print(f"| epoch {epoch} | lr {lr:5.2f} | train ppl {math.exp(run/cnt):6.2f} | valid ppl {math.exp(val):6.2f} | {babble()}")
    if val < best - 0.002:
        best, best_sd = val, {k: v.clone() for k, v in model.state_dict().items()}
    else:
        lr /= 4
model.load_state_dict(best_sd)
print(f"{n_updates} updates, test ppl {math.exp(evaluate(test_data)):.2f}")
