# FAULT: same-batch
# ruff: noqa: ERA001
# Names from the last three letters: an MLP in the manner of makemore.
import random

import torch
import torch.nn.functional as F  # noqa: N812

torch.set_num_threads(1)
torch.manual_seed(2147483647)
random.seed(2147483647)

parts = ["ma", "ri", "lo", "an", "el", "so", "vi", "ka", "ty", "no", "bel", "na"]
words = ["".join(random.sample(parts, random.randint(2, 3))) for _ in range(800)]
chars = sorted(set("".join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi["."] = 0
vocab_size = len(stoi)

block_size = 3
xs, ys = [], []
for w in words:
    context = [0] * block_size
    for ch in w + ".":
        xs.append(context)
        ys.append(stoi[ch])
        context = [*context[1:], stoi[ch]]
cut = int(0.9 * len(xs))
xtr, ytr = torch.tensor(xs[:cut]), torch.tensor(ys[:cut])
xdev, ydev = torch.tensor(xs[cut:]), torch.tensor(ys[cut:])

C = torch.randn(vocab_size, 10)
W1 = torch.randn(block_size * 10, 100) * 0.2
b1 = torch.zeros(100)
W2 = torch.randn(100, vocab_size) * 0.05
b2 = torch.zeros(vocab_size)
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True
optimizer = torch.optim.SGD(parameters, lr=0.1)


def forward(x):
    emb = C[x].view(-1, block_size * 10)
    return torch.tanh(emb @ W1 + b1) @ W2 + b2


# minibatch construct
ix = torch.randint(0, xtr.shape[0], (32,))  # HERE
xb, yb = xtr[ix], ytr[ix]

for i in range(801):
    # forward pass
    loss = F.cross_entropy(forward(xb), yb)
    # backward pass and update
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i % 200 == 0:
        with torch.no_grad():
            dev = F.cross_entropy(forward(xdev), ydev)
        print(f"{i:4d}: {loss.item():.4f}, dev {dev.item():.4f}")
