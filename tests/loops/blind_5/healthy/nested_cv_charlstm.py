"""
Which made-up language does a word belong to?  Model selection by k-fold cross-validation with early stopping,
then one final training with the winning setting and a single look at the test set. At last the network is frozen
and the *input* is trained: which "word" is most typical of each language?

Each call of fit() is a complete training from scratch, so the log contains many independent runs.
"""
import copy
import itertools
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

torch.set_num_threads(1)
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def build_language(seed):
    """a random first-order Markov chain over syllables"""
    r = random.Random(seed)
    cons, vows = r.sample("bcdfghjklmnpqrstvwxz", 11), r.sample("aeiouy", 4)
    syl = [c + v for c in cons for v in vows]
    return {s: r.choices(syl, k=4) for s in syl}, syl


def words(lang, n, r):
    table, syl = lang
    res = set()
    while len(res) < n:
        s = r.choice(syl)
        w = s
        for _ in range(r.randint(1, 3)):
            s = r.choice(table[s])
            w += s
        if r.random() < 0.3:
            w = w[:-1]
        res.add(w)
    return sorted(res)


def dataset(seed=90, per_lang=230):
    r = random.Random(seed)
    data = {}
    for k in range(4):
        for w in words(build_language(seed + k + 1), per_lang, r):
            data.setdefault(w, k)  # a word of two languages keeps its first label, no duplicates anywhere
    pairs = sorted(data.items())
    r.shuffle(pairs)
    return pairs


def tensorise(pairs):
    xs = [torch.tensor([ALPHABET.index(c) for c in w]) for w, _ in pairs]
    return xs, torch.tensor([k for _, k in pairs])


class CharNet(nn.Module):
    def __init__(self, hidden, dropout):
        super().__init__()
        self.emb = nn.Embedding(26, 16)
        self.rnn = nn.LSTM(16, hidden)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, 4))

    def forward(self, xs):
        packed = pack_sequence(xs, enforce_sorted=False)
        emb = packed._replace(data=self.emb(packed.data))
        return self.head(self.rnn(emb)[1][0][-1])


def evaluate(net, xs, y):
    net.eval()
    with torch.no_grad():
        out = net(xs)
        return nn.functional.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def fit(hp, train, val=None, max_epochs=10, patience=2, seed=0):
    """returns (network with the best validation weights, best epoch, best val loss, best val accuracy, updates)

    Without a validation set it simply trains for max_epochs."""
    torch.manual_seed(seed)
    net = CharNet(hp["hidden"], hp["dropout"])
    opt = torch.optim.Adam(net.parameters(), lr=hp["lr"])
    xs, y = train
    best = (float("inf"), 0.0, 0, None)
    updates = 0
    for epoch in range(1, max_epochs + 1):
        net.train()
        for idx in torch.randperm(len(y)).split(32):
            loss = nn.functional.cross_entropy(net([xs[i] for i in idx.tolist()]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            updates += 1
        if val is None:
            continue
        vl, va = evaluate(net, *val)
        if vl < best[0]:
            best = (vl, va, epoch, copy.deepcopy(net.state_dict()))
        elif epoch - best[2] >= patience:
            break
    if val is None:
        return net, max_epochs, None, None, updates
    net.load_state_dict(best[3])
    return net, best[2], best[0], best[1], updates


def dream(net, length=6, steps=240):
    """activation maximisation over relaxed characters, one word per language, weights untouched"""
    net.eval().requires_grad_(False)
    soft = (0.1 * torch.randn(length, 4, 26)).requires_grad_()
    opt = torch.optim.Adam([soft], lr=0.1)
    goal, trace = torch.arange(4), []
    for k in range(steps):
        p = soft.softmax(-1)
        h = net.rnn(p @ net.emb.weight)[1][0][-1]
        entropy = -(p * p.clamp(min=1e-9).log()).sum(-1).mean()
        loss = nn.functional.cross_entropy(net.head(h), goal) + (0.1 + k / steps) * entropy
        opt.zero_grad()
        loss.backward()
        opt.step()
        trace.append(loss.item())
    best = ["".join(ALPHABET[i] for i in col) for col in soft.argmax(-1).t().tolist()]
    prob = net([torch.tensor([ALPHABET.index(c) for c in w]) for w in best]).softmax(1).diagonal()
    print(f"dreaming: objective {trace[0]:.3f} -> {trace[-1]:.3f}; ", {w: round(p, 2) for w, p in zip(best, prob.tolist())})


def main():
    pairs = dataset()
    test, rest = tensorise(pairs[:200]), pairs[200:]
    folds = [rest[i::3] for i in range(3)]
    grid = [dict(zip(("lr", "hidden", "dropout"), v)) for v in itertools.product([0.003, 0.006, 0.012], [40], [0.2])]
    print(f"{len(rest)} words for selection in 3 folds, {len(pairs) - len(rest)} for the test; chance 0.25")
    results = []
    for hp in grid:
        losses, accs, epochs = [], [], []
        for k in range(3):
            tr = tensorise([p for j, f in enumerate(folds) if j != k for p in f])
            _, ep, vl, va, _ = fit(hp, tr, tensorise(folds[k]), seed=k)
            losses.append(vl), accs.append(va), epochs.append(ep)
        results.append((sum(losses) / 3, hp, round(sum(epochs) / 3)))
        print(f"{hp}  cv loss {results[-1][0]:.3f} accuracies {[round(a, 3) for a in accs]} best epochs {epochs}")
    loss, hp, epochs = min(results, key=lambda r: r[0])
    print("chosen:", hp, "for", epochs, "epochs on all of the selection data")
    net, _, _, _, updates = fit(hp, tensorise(rest), max_epochs=epochs, seed=123)
    torch.manual_seed(123)
    print("test: untrained ce %.3f acc %.3f" % evaluate(CharNet(hp["hidden"], hp["dropout"]), *test))
    print("test: trained   ce %.3f acc %.3f" % evaluate(net, *test), f"({updates} updates in the final run)")
    dream(net)


if __name__ == "__main__":
    main()
