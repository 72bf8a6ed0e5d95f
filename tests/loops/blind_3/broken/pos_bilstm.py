# FAULT: batch-taken-for-time
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(123)

DET, NOUN, VERB, ADJ = range(4)
LEX = {DET: ["a", "the", "this"], NOUN: ["dog", "cat", "tree", "run", "walk"],
       VERB: ["sees", "eats", "run", "walk"], ADJ: ["red", "big", "old"]}
NEXT = torch.tensor([[0.0, 0.6, 0.0, 0.4], [0.2, 0.1, 0.6, 0.1], [0.5, 0.2, 0.0, 0.3], [0.0, 0.7, 0.0, 0.3]])
words = sorted({w for ws in LEX.values() for w in ws})
w2i = {w: i for i, w in enumerate(words)}


def choose(n):
    return int(torch.randint(0, n, (1,)))


def sentences(n, length=10):
    xs, ys = [], []
    for _ in range(n):
        p = [choose(4)]
        while len(p) < length:
            p.append(int(torch.multinomial(NEXT[p[-1]], 1)))
        xs.append([w2i[LEX[t][choose(len(LEX[t]))]] for t in p])
        ys.append(p)
    return torch.tensor(xs), torch.tensor(ys)


class BiLSTMTagger(nn.Module):
    def __init__(self, n_words, n_tags, dim=16, hid=24):
        super().__init__()
        self.n_tags = n_tags
        self.emb = nn.Embedding(n_words, dim)
        self.lstm = nn.LSTM(dim, hid, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hid, n_tags)

    def forward(self, x):
        feats, _ = self.lstm(self.emb(x))
        scores = self.hidden2tag(feats)
        return scores.view(x.size(0), self.n_tags, x.size(1))  # HERE


class Trainer:
    def __init__(self, model, lr):
        self.model = model
        self.opt = torch.optim.Adam(model.parameters(), lr=lr)
        self.loss = nn.CrossEntropyLoss()

    def fit(self, x, y, epochs, bs):
        for ep in range(epochs):
            for j in torch.randperm(len(x)).split(bs):
                self.opt.zero_grad()
                l = self.loss(self.model(x[j]), y[j])
                l.backward()
                self.opt.step()
            print(f"ep {ep} loss {l.item():.3f} acc {self.score(x, y):.3f}")

    @torch.no_grad()
    def score(self, x, y):
        return (self.model(x).argmax(1) == y).float().mean().item()


xtr, ytr = sentences(480)
xte, yte = sentences(100)
trainer = Trainer(BiLSTMTagger(len(words), 4), lr=3e-3)
trainer.fit(xtr, ytr, epochs=12, bs=24)
print("test accuracy", trainer.score(xte, yte))
