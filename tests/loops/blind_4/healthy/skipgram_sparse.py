"""Skip-gram with negative sampling over a toy corpus; sparse gradients for the two big tables,
a dense optimiser for the small bias head."""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(50)
torch.manual_seed(50)
torch.set_num_threads(1)

TOPICS = {
    "sea": "wave boat salt harbour tide gull anchor sail".split(),
    "kitchen": "pan oven spoon flour salt butter knife plate".split(),
    "garden": "rose spade soil hedge tulip rake seed lawn".split(),
    "office": "desk printer memo folder stapler meeting chair screen".split(),
}
corpus = []
for _ in range(700):
    words = TOPICS[random.choice(list(TOPICS))]
    corpus.append([random.choice(words) for _ in range(7)])
vocab = sorted({w for s in corpus for w in s})
w2i = {w: i for i, w in enumerate(vocab)}
counts = torch.zeros(len(vocab))
pairs = []
for s in corpus:
    for i, w in enumerate(s):
        counts[w2i[w]] += 1
        for j in range(max(0, i - 2), min(len(s), i + 3)):
            if i != j:
                pairs.append((w2i[w], w2i[s[j]]))
pairs = torch.tensor(pairs)
noise = counts ** 0.75


class SkipGram(nn.Module):
    def __init__(self, n, dim=16):
        super().__init__()
        self.inp = nn.Embedding(n, dim, sparse=True)
        self.out = nn.Embedding(n, dim, sparse=True)
        nn.init.uniform_(self.inp.weight, -0.5 / dim, 0.5 / dim)
        nn.init.zeros_(self.out.weight)
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, centre, context, negative):
        v = self.inp(centre)
        pos = (v * self.out(context)).sum(1) + self.bias
        neg = torch.einsum("bd,bkd->bk", v, self.out(negative)) + self.bias
        return -(F.logsigmoid(pos) + F.logsigmoid(-neg).sum(1)).mean()


def neighbours(model, word, k=4):
    with torch.no_grad():
        e = F.normalize(model.inp.weight, dim=1)
        best = (e @ e[w2i[word]]).topk(k + 1).indices[1:]
    return [vocab[i] for i in best]


model = SkipGram(len(vocab))
sparse_opt = torch.optim.SparseAdam([model.inp.weight, model.out.weight], lr=5e-3)
dense_opt = torch.optim.Adam([model.bias], lr=1e-2)
for epoch in range(1, 7):
    total, n = 0.0, 0
    for idx in torch.randperm(len(pairs)).split(128):
        c, o = pairs[idx].t()
        neg = torch.multinomial(noise, len(idx) * 5, replacement=True).view(-1, 5)
        loss = model(c, o, neg)
        sparse_opt.zero_grad()
        dense_opt.zero_grad()
        loss.backward()
        sparse_opt.step()
        dense_opt.step()
        total += loss.item()
        n += 1
    print(f"epoch {epoch} loss {total / n:.3f} rose ~ {neighbours(model, 'rose')} boat ~ {neighbours(model, 'boat')}")
