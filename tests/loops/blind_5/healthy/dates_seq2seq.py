"""
Neural date normaliser: "tue, 7 mar 1994" -> "1994-03-07"

bidirectional packed encoder, Luong attention, scheduled sampling (inverse sigmoid decay),
label smoothing, Noam learning rate.  Exact match is measured by free-running greedy decoding on
dates which never occur in training, in any format.
"""
import argparse
import datetime
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

FORMATS = ["%a, %d %b %Y", "%d %B %Y", "%B %d, %Y", "%d.%m.%Y", "%m/%d/%Y", "%Y, %d %b"]
PAD, BOS, EOS = 0, 1, 2
SRC = {c: i + 1 for i, c in enumerate(" abcdefghijklmnopqrstuvwxyz0123456789,./")}
TGT = {c: i + 3 for i, c in enumerate("0123456789-")}
TGT_INV = {i: c for c, i in TGT.items()}


def render(day, rng):
    return day.strftime(rng.choice(FORMATS)).lower(), day.isoformat()


def collate(pairs):
    xs = [torch.tensor([SRC[c] for c in s]) for s, _ in pairs]
    ys = [torch.tensor([BOS] + [TGT[c] for c in t] + [EOS]) for _, t in pairs]
    return (
        pad_sequence(xs, batch_first=True, padding_value=PAD),
        torch.tensor([len(x) for x in xs]),
        pad_sequence(ys, batch_first=True, padding_value=PAD),
    )


class Encoder(nn.Module):
    def __init__(self, n, d, h):
        super().__init__()
        self.emb = nn.Embedding(n, d, padding_idx=PAD)
        self.rnn = nn.GRU(d, h, bidirectional=True, batch_first=True)
        self.bridge = nn.Linear(2 * h, 2 * h)

    def forward(self, x, lens):
        packed = pack_padded_sequence(self.emb(x), lens, batch_first=True, enforce_sorted=False)
        out, h = self.rnn(packed)
        out, _ = pad_packed_sequence(out, batch_first=True)
        mask = torch.arange(out.size(1))[None] < lens[:, None]
        return out, mask, torch.tanh(self.bridge(torch.cat([h[0], h[1]], -1)))


class Decoder(nn.Module):
    def __init__(self, n, d, h):
        super().__init__()
        self.emb = nn.Embedding(n, d, padding_idx=PAD)
        self.cell = nn.GRUCell(d + h, h)
        self.query = nn.Linear(h, h, bias=False)
        self.mix = nn.Linear(2 * h, h)
        self.out = nn.Linear(h, n)

    def step(self, tok, h, feed, mem, mask):
        h = self.cell(torch.cat([self.emb(tok), feed], -1), h)
        score = torch.bmm(mem, self.query(h).unsqueeze(2)).squeeze(2).masked_fill(~mask, -1e9)
        ctx = torch.bmm(score.softmax(1).unsqueeze(1), mem).squeeze(1)
        feed = torch.tanh(self.mix(torch.cat([h, ctx], -1)))  # input feeding
        return self.out(feed), h, feed


class Seq2Seq(nn.Module):
    def __init__(self, d=24, h=40):
        super().__init__()
        self.enc = Encoder(len(SRC) + 1, d, h)
        self.dec = Decoder(len(TGT) + 3, d, 2 * h)

    def forward(self, x, lens, y, teacher_prob):
        mem, mask, h = self.enc(x, lens)
        feed, tok, logits = torch.zeros_like(h), y[:, 0], []
        for t in range(1, y.size(1)):
            lg, h, feed = self.dec.step(tok, h, feed, mem, mask)
            logits.append(lg)
            use_gold = torch.rand(len(x)) < teacher_prob
            tok = torch.where(use_gold, y[:, t], lg.argmax(-1))
        return torch.stack(logits, 1)

    @torch.no_grad()
    def translate(self, x, lens, max_len=12):
        mem, mask, h = self.enc(x, lens)
        feed, tok, outs = torch.zeros_like(h), torch.full((len(x),), BOS), []
        for _ in range(max_len):
            lg, h, feed = self.dec.step(tok, h, feed, mem, mask)
            tok = lg.argmax(-1)
            outs.append(tok)
        res = []
        for row in torch.stack(outs, 1).tolist():
            s = ""
            for i in row:
                if i == EOS:
                    break
                s += TGT_INV.get(i, "?")
            res.append(s)
        return res


def exact_match(model, pairs):
    model.eval()
    x, lens, _ = collate(pairs)
    hyp = model.translate(x, lens)
    model.train()
    return sum(h == t for h, (_, t) in zip(hyp, pairs)) / len(pairs), hyp


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--updates", type=int, default=225)
    ap.add_argument("--batch", type=int, default=40)
    ap.add_argument("--warmup", type=int, default=80)
    ap.add_argument("--peak-lr", type=float, default=8e-3)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(8)
    rng = random.Random(8)

    first = datetime.date(1950, 1, 1).toordinal()
    days = [datetime.date.fromordinal(first + i) for i in range(365 * 75)]
    rng.shuffle(days)
    test_days, train_days = days[:300], days[300:]
    test_pairs = [render(d, rng) for d in test_days]

    net = Seq2Seq()
    opt = torch.optim.Adam(net.parameters(), lr=1.0, betas=(0.9, 0.98))
    noam = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda k: args.peak_lr * min((k + 1) / args.warmup, math.sqrt(args.warmup / (k + 1)))
    )
    print("untrained exact match", exact_match(net, test_pairs)[0])
    for k in range(args.updates):
        teacher = 40.0 / (40.0 + math.exp(k / 35.0))
        x, lens, y = collate([render(rng.choice(train_days), rng) for _ in range(args.batch)])
        logits = net(x, lens, y, teacher)
        loss = F.cross_entropy(logits.flatten(0, 1), y[:, 1:].flatten(), ignore_index=PAD, label_smoothing=0.05)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        noam.step()
        if (k + 1) % 45 == 0:
            em, hyp = exact_match(net, test_pairs)
            print(f"{k+1:4d} loss {loss.item():.3f} teacher forcing {teacher:.2f} lr {noam.get_last_lr()[0]:.4f} "
                  f"exact match {em:.3f}   e.g. {test_pairs[0][0]!r} -> {hyp[0]}")


if __name__ == "__main__":
    main()
