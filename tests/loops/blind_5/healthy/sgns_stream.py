"""Skip-gram with negative sampling on a stream that is read exactly once; sparse gradients, SparseAdam.

The loss has a high floor (co-occurrence is random by nature); what matters is whether topics separate in the vectors.
"""
import random
from collections import deque

import torch
import torch.nn.functional as F
from torch import nn

TOPICS = {
    "sea": "boat sail wave anchor harbour gull salt tide".split(),
    "kitchen": "oven spoon flour pan stew knife salt butter".split(),
    "court": "judge law trial jury oath verdict bench plea".split(),
    "garden": "rose spade soil hedge bench bee seed lawn".split(),
}
GLUE = "the a of and to in".split()


def token_stream(n_tokens, seed):
    rng = random.Random(seed)
    left, topic = 0, None
    for _ in range(n_tokens):
        if left == 0:
            topic, left = rng.choice(list(TOPICS)), rng.randint(15, 40)
        left -= 1
        yield rng.choice(GLUE) if rng.random() < 0.3 else rng.choice(TOPICS[topic])


words = sorted({w for ws in TOPICS.values() for w in ws} | set(GLUE))
index = {w: i for i, w in enumerate(words)}


def skipgrams(tokens, reach, seed):
    """centre/context pairs with a random window, frequent words thinned out"""
    rng = random.Random(seed)
    buf = deque(maxlen=2 * reach + 1)
    for tok in tokens:
        if tok in GLUE and rng.random() < 0.6:
            continue
        buf.append(index[tok])
        if len(buf) == buf.maxlen:
            r = rng.randint(1, reach)
            for d in range(-r, r + 1):
                if d:
                    yield buf[reach], buf[reach + d]


def batches(pairs, size):
    chunk = []
    for p in pairs:
        chunk.append(p)
        if len(chunk) == size:
            yield torch.tensor(chunk).unbind(1)
            chunk = []


class SGNS(nn.Module):
    def __init__(self, n, dim):
        super().__init__()
        self.centre = nn.Embedding(n, dim, sparse=True)
        self.context = nn.Embedding(n, dim, sparse=True)
        nn.init.uniform_(self.centre.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.context.weight)  # as in word2vec.c

    def forward(self, c, pos, neg):
        v = self.centre(c)
        up, un = self.context(pos), self.context(neg)
        good = F.logsigmoid((v * up).sum(-1))
        bad = F.logsigmoid(-torch.einsum("bd,bkd->bk", v, un)).sum(-1)
        return -(good + bad).mean()


def separation(model):
    """mean cosine within topics minus mean cosine across topics (words of two topics left out)"""
    owner = {}
    for k, ws in TOPICS.items():
        for w in ws:
            owner.setdefault(w, []).append(k)
    own = {w: t[0] for w, t in owner.items() if len(t) == 1}
    ids = torch.tensor([index[w] for w in own])
    lab = list(own.values())
    same = torch.tensor([[a == b for b in lab] for a in lab])
    z = F.normalize(model.centre.weight.detach()[ids], dim=1)
    z = F.normalize(z - z.mean(0), dim=1)
    cos, off = z @ z.t(), ~torch.eye(len(lab), dtype=torch.bool)
    return (cos[same & off].mean() - cos[~same].mean()).item()


def neighbours(model, w, k=4):
    z = F.normalize(model.centre.weight.detach(), dim=1)
    top = (z @ z[index[w]]).topk(k + 1).indices.tolist()
    return [words[i] for i in top if i != index[w]][:k]


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(190)
    K, B = 5, 128
    net = SGNS(len(words), 12)
    opt = torch.optim.SparseAdam(list(net.parameters()), lr=5e-3)
    print(f"{len(words)} words; separation at random start {separation(net):+.3f}; first loss will be {(K + 1) * 0.6931:.3f}")
    acc, n = 0.0, 0
    for step, (c, ctx) in enumerate(batches(skipgrams(token_stream(60_000, 191), 3, 192), B), 1):
        loss = net(c, ctx, torch.randint(0, len(words), (len(c), K)))
        opt.zero_grad()
        loss.backward()
        opt.step()
        acc, n = acc + loss.item(), n + 1
        if step in (1, 10, 50) or step % 250 == 0:
            print(f"batch {step:5d} loss {acc / n:.3f} separation {separation(net):+.3f}")
            acc, n = 0.0, 0
    for w in ("tide", "jury", "spade", "salt"):
        print(f"  {w:6s} -> {', '.join(neighbours(net, w))}")
