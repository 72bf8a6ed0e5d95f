# BIO tagging with a BiLSTM-CRF written out by hand. Batches are single sentences; gradients are
# accumulated until at least TOKENS_PER_STEP tokens have been seen and are then divided by that count.
import math, random
from collections import Counter

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
TOKENS_PER_STEP = 320
rnd = random.Random(2)


def syll(k):
    return "".join(rnd.choice("bdfgklmnprstvz") + rnd.choice("aeiou") for _ in range(k))


given = [syll(2) for _ in range(90)]
family = [syll(2) + "son" for _ in range(90)]
towns = [syll(2) + rnd.choice(["ton", "burg", "ville"]) for _ in range(90)]
TEMPLATES = [
    "{P} went to {L} by train", "in {L} it rained", "yesterday {P} met {P} near {L}", "the mayor of {L} thanked {P}",
    "{P} said that {P} left", "nobody from {L} knows mr {P}", "flights from {L} to {L} were late", "we ate soup",
]


def person():
    r = rnd.random()
    w = [rnd.choice(given)] if r < 0.3 else [rnd.choice(given), rnd.choice(family)] if r < 0.8 else [rnd.choice(family)]
    return w, "PER"


def place():
    w = [rnd.choice(towns)]
    if rnd.random() < 0.3:
        w = [rnd.choice(["new", "saint", "upper"])] + w
    return w, "LOC"


def make():
    words, tags = [], []
    for tok in rnd.choice(TEMPLATES).split():
        if tok in ("{P}", "{L}"):
            w, kind = person() if tok == "{P}" else place()
            words += w
            tags += ["B-" + kind] + ["I-" + kind] * (len(w) - 1)
        else:
            words.append(tok)
            tags.append("O")
    return words, tags


corpus = list({" ".join(s[0]): s for s in (make() for _ in range(2200))}.values())  # unique sentences
rnd.shuffle(corpus)
train, dev = corpus[300:], corpus[:300]
freq = Counter(w for s, _ in train for w in s)
vocab = {"<pad>": 0, "<unk>": 1}
for w in sorted(freq):
    if freq[w] > 1:
        vocab[w] = len(vocab)
suffixes = {"<pad>": 0, "<unk>": 1}
for w in sorted(freq):
    suffixes.setdefault(w[-3:], len(suffixes))
t2i = {t: i for i, t in enumerate(TAGS)}


class CRF(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.trans = nn.Parameter(torch.zeros(k, k))
        self.start = nn.Parameter(torch.zeros(k))
        self.end = nn.Parameter(torch.zeros(k))

    def nll(self, em, y, mask):
        B, T, K = em.shape
        ar = torch.arange(B)
        score = self.start[y[:, 0]] + em[ar, 0, y[:, 0]]
        alpha = self.start + em[:, 0]
        for t in range(1, T):
            on = mask[:, t]
            score = score + on * (self.trans[y[:, t - 1], y[:, t]] + em[ar, t, y[:, t]])
            nxt = torch.logsumexp(alpha.unsqueeze(2) + self.trans, 1) + em[:, t]
            alpha = torch.where(on[:, None], nxt, alpha)
        last = y.gather(1, (mask.sum(1) - 1)[:, None])[:, 0]
        return torch.logsumexp(alpha + self.end, 1) - score - self.end[last]

    @torch.no_grad()
    def viterbi(self, em):  # one sentence (T, K)
        v, back = self.start + em[0], []
        for e in em[1:]:
            best, idx = (v[:, None] + self.trans).max(0)
            back.append(idx)
            v = best + e
        path = [int((v + self.end).argmax())]
        for idx in reversed(back):
            path.append(int(idx[path[-1]]))
        return path[::-1]


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.word = nn.Embedding(len(vocab), 32, padding_idx=0)
        self.suf = nn.Embedding(len(suffixes), 16, padding_idx=0)
        self.lstm = nn.LSTM(48, 40, bidirectional=True, batch_first=True)
        self.drop = nn.Dropout(0.3)
        self.emit = nn.Linear(80, len(TAGS))
        self.crf = CRF(len(TAGS))

    def emissions(self, w, s, n):
        e = self.drop(torch.cat([self.word(w), self.suf(s)], -1))
        out, _ = self.lstm(pack_padded_sequence(e, n, batch_first=True, enforce_sorted=False))
        return self.emit(self.drop(pad_packed_sequence(out, batch_first=True)[0]))


def encode(batch, word_dropout=0.0):
    w = [torch.tensor([1 if rnd.random() < word_dropout else vocab.get(x, 1) for x in s]) for s, _ in batch]
    s = [torch.tensor([suffixes.get(x[-3:], 1) for x in ws]) for ws, _ in batch]
    y = [torch.tensor([t2i[t] for t in tg]) for _, tg in batch]
    n = torch.tensor([len(x) for x in w])
    w, s, y = (pad_sequence(z, batch_first=True) for z in (w, s, y))
    return w, s, y, n, torch.arange(w.size(1)) < n[:, None]


def spans(tags):
    out, start = set(), None
    for i, t in enumerate(list(tags) + ["O"]):
        if start is not None and not t.startswith("I-"):
            out.add((start, i, tags[start][2:]))
            start = None
        if t.startswith("B-"):
            start = i
    return out


def dev_f1(model):
    model.eval()
    tp = fp = fn = 0
    with torch.no_grad():
        w, s, _, n, _ = encode(dev)
        em = model.emissions(w, s, n)
        for i, (_, gold) in enumerate(dev):
            g, p = spans(gold), spans([TAGS[k] for k in model.crf.viterbi(em[i, : n[i]])])
            tp, fp, fn = tp + len(g & p), fp + len(p - g), fn + len(g - p)
    model.train()
    return 2 * tp / max(1, 2 * tp + fp + fn)


torch.manual_seed(2)
model = Tagger()
opt = torch.optim.AdamW(
    [
        {"params": [p for n, p in model.named_parameters() if "crf" not in n], "weight_decay": 1e-2},
        {"params": model.crf.parameters(), "weight_decay": 0.0, "lr": 1e-2},
    ],
    lr=4e-3,
)
print(f"{len(train)} train / {len(dev)} dev sentences, vocab {len(vocab)}, dev F1 before training {dev_f1(model):.3f}")


def apply_update(tokens):
    for p in model.parameters():
        if p.grad is not None:
            p.grad /= tokens
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    opt.step()
    opt.zero_grad()


updates = 0
opt.zero_grad()
for epoch in range(6):
    rnd.shuffle(train)
    # sentences sorted inside pools of 128, so that a chunk of 8 needs little padding
    chunks = []
    for i in range(0, len(train), 128):
        pool = sorted(train[i : i + 128], key=lambda s: len(s[0]))
        chunks += [pool[j : j + 8] for j in range(0, len(pool), 8)]
    rnd.shuffle(chunks)
    total = seen = pending = 0
    for chunk in chunks:
        w, s, y, n, mask = encode(chunk, word_dropout=0.1)
        nll = model.crf.nll(model.emissions(w, s, n), y, mask).sum()
        nll.backward()
        total, seen, pending = total + nll.item(), seen + int(n.sum()), pending + int(n.sum())
        if pending >= TOKENS_PER_STEP:
            apply_update(pending)
            updates, pending = updates + 1, 0
    if pending:  # left-overs of the epoch
        apply_update(pending)
        updates += 1
    print(f"epoch {epoch}: nll/token {total/seen:.4f}  dev F1 {dev_f1(model):.4f}  ({updates} updates)")
