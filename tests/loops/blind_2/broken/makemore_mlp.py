# FAULT: same-batch
import random
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
random.seed(42)

first = ["em", "ol", "av", "is", "so", "mi", "el", "an"]
mid = ["ma", "iv", "ri", "be", "phi", "lla", "no"]
last = ["a", "ia", "el", "ie", "n", "lyn"]
words = sorted({random.choice(first) + "".join(random.choices(mid, k=random.randint(0, 2))) + random.choice(last) for _ in range(1500)})
random.shuffle(words)
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
vocab_size = len(stoi)
block_size = 3


def build_dataset(words):
    X, Y = [], []
    for w in words:
        context = [0] * block_size
        for ch in w + ".":
            X.append(context)
            Y.append(stoi[ch])
            context = context[1:] + [stoi[ch]]
    return torch.tensor(X), torch.tensor(Y)


n1 = int(0.85 * len(words))
Xtr, Ytr = build_dataset(words[:n1])
Xdev, Ydev = build_dataset(words[n1:])

g = torch.Generator().manual_seed(2147483647)
C = torch.randn((vocab_size, 10), generator=g)
W1 = torch.randn((block_size * 10, 100), generator=g) * (5 / 3) / (block_size * 10) ** 0.5
b1 = torch.randn(100, generator=g) * 0.01
W2 = torch.randn((100, vocab_size), generator=g) * 0.01
b2 = torch.zeros(vocab_size)
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True


def get_batch(X, Y, batch_size=32):
    g = torch.Generator().manual_seed(2147483647)  # HERE
    ix = torch.randint(0, X.shape[0], (batch_size,), generator=g)
    return X[ix], Y[ix]


def forward(X):
    emb = C[X].view(X.shape[0], -1)
    return torch.tanh(emb @ W1 + b1) @ W2 + b2


max_steps = 800
for i in range(max_steps):
    Xb, Yb = get_batch(Xtr, Ytr)
    loss = F.cross_entropy(forward(Xb), Yb)
    for p in parameters:
        p.grad = None
    loss.backward()
    lr = 0.1 if i < 600 else 0.01
    for p in parameters:
        p.data += -lr * p.grad
    if i % 100 == 0:
        print(f"{i:7d}/{max_steps:7d}: {loss.item():.4f}")


@torch.no_grad()
def split_loss(name, X, Y):
    print(name, F.cross_entropy(forward(X), Y).item())


split_loss("train", Xtr, Ytr)
split_loss("dev", Xdev, Ydev)
