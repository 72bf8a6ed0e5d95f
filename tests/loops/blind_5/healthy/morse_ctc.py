"""Decode noisy Morse audio envelopes with CTC.

First a sanity check every practitioner does: can a copy of the network memorise one batch?
Then the real run on a stream of new recordings of growing length, evaluated on words that are never used in training.
"""
import copy
import random
import string

import torch
from torch import nn

CODE = dict(zip(string.ascii_lowercase, (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --..").split()))
LETTERS = "aeinostr"  # a few letters keep the run short
IDX = {c: i + 1 for i, c in enumerate(LETTERS)}  # 0 is the blank


def key(word, rng):
    """word -> list of 0/1 samples, with a sloppy hand"""
    out = [0] * rng.randint(2, 6)
    unit = rng.uniform(1.7, 2.4)
    for ch in word:
        for sym in CODE[ch]:
            out += [1] * max(1, round(unit * (1 if sym == "." else 3) * rng.uniform(0.85, 1.15)))
            out += [0] * max(1, round(unit * rng.uniform(0.85, 1.15)))
        out += [0] * round(unit * 2 * rng.uniform(0.9, 1.2))
    return out + [0] * rng.randint(2, 6)


def batch(words, rng, noise=0.15):
    waves = [torch.tensor(key(w, rng), dtype=torch.float) for w in words]
    n = torch.tensor([len(w) for w in waves])
    x = nn.utils.rnn.pad_sequence(waves, batch_first=True)
    x = x * torch.empty(len(words), 1).uniform_(0.7, 1.3) + noise * torch.randn_like(x)
    x = x * (torch.arange(x.size(1)) < n[:, None])
    y = torch.tensor([IDX[c] for w in words for c in w])
    return x, n, y, torch.tensor([len(w) for w in words])


class Listener(nn.Module):
    def __init__(self, h=40):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 32, 7, stride=3, padding=3), nn.ReLU())
        self.rnn = nn.GRU(32, h, bidirectional=True)
        self.head = nn.Linear(2 * h, len(LETTERS) + 1)

    def forward(self, x, n):
        z = self.conv(x[:, None] - 0.5).permute(2, 0, 1)  # T, B, C
        m = (n + 2) // 3
        z = nn.utils.rnn.pack_padded_sequence(z, m, enforce_sorted=False)
        z, _ = nn.utils.rnn.pad_packed_sequence(self.rnn(z)[0])
        return self.head(z).log_softmax(-1), m


ctc = nn.CTCLoss(blank=0)  # averages over target length, then batch


def greedy(logp, m):
    res = []
    for b in range(logp.size(1)):
        path = logp[: m[b], b].argmax(-1).tolist()
        res.append("".join(LETTERS[k - 1] for i, k in enumerate(path) if k and (i == 0 or k != path[i - 1])))
    return res


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        prev, row[0] = row[0], i
        for j, cb in enumerate(b, 1):
            prev, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, prev + (ca != cb))
    return row[-1]


def cer(net, words, seed=77):
    keep = torch.get_rng_state()
    torch.manual_seed(seed)
    data = batch(words, random.Random(seed))
    torch.set_rng_state(keep)
    net.eval()
    with torch.inference_mode():
        hyp = greedy(*net(data[0], data[1]))
    net.train()
    return sum(distance(h, w) for h, w in zip(hyp, words)) / sum(map(len, words)), list(zip(words, hyp))[:3]


def curriculum(it):
    """single letters first, then longer and longer words"""
    return (1, 1) if it <= 60 else (1, 2) if it <= 110 else (1, 3) if it <= 150 else (2, 4)


def one_step(net, opt, data):
    x, n, y, m = data
    logp, frames = net(x, n)
    loss = ctc(logp, y, frames, m)
    if not torch.isfinite(loss):  # a recording too short for its transcript would give inf
        return None
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(net.parameters(), 0.5)
    opt.step()
    return loss.item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(6)
    rng = random.Random(6)

    def word(lo=2, hi=4):
        return "".join(rng.choice(LETTERS) for _ in range(rng.randint(lo, hi)))

    held_out = sorted({word() for _ in range(200)})
    banned = set(held_out)

    def new_words(k, lo=2, hi=4):
        ws = []
        while len(ws) < k:
            w = word(lo, hi)
            if w not in banned:
                ws.append(w)
        return ws

    net = Listener()

    probe, fixed = copy.deepcopy(net), batch(new_words(8), rng)
    popt = torch.optim.Adam(probe.parameters(), lr=1e-2)
    trace = [one_step(probe, popt, fixed) for _ in range(125)]
    print("sanity check, one batch of 8 only:", " ".join(f"{trace[i]:.3f}" for i in (0, 30, 60, 90, 124)))
    assert trace[-1] < 0.1, "cannot even memorise one batch"
    del probe, popt

    opt = torch.optim.Adam(net.parameters(), lr=1.2e-2)
    sched = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt, T_0=100, T_mult=2, eta_min=2e-4)
    print(f"{len(held_out)} held-out words, CER untrained {cer(net, held_out)[0]:.2f}")
    acc, skipped = [], 0
    for it in range(1, 301):
        l = one_step(net, opt, batch(new_words(20, *curriculum(it)), rng))
        if l is None:
            skipped += 1
        else:
            acc.append(l)
        sched.step()
        if it % 50 == 0:
            e, ex = cer(net, held_out)
            print(f"it {it:3d} ctc {sum(acc[-30:])/30:.3f} CER {e:.3f} lr {sched.get_last_lr()[0]:.4f} skipped {skipped} {ex}")
