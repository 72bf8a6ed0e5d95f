# names, one character at a time: an RNN from plain tensors and SGD by hand
import random
import torch
import torch.nn.functional as F

random.seed(23)
torch.manual_seed(23)
torch.set_num_threads(1)

names = [random.choice(['mar', 'jo', 'el', 'an', 'ro', 'be']) + random.choice(['ia', 'sa', 'na', 'bert', 'ry', 'ca'])
         + random.choice(['', '', 'lyn', 'tta']) for _ in range(600)]
alphabet = ['.'] + sorted(set(''.join(names)))
ix = {c: i for i, c in enumerate(alphabet)}
longest = max(map(len, names)) + 1


def encode(name):
    # '.' begins and ends a name, -1 is "nothing to predict here"
    x = [ix[c] for c in '.' + name]
    y = [ix[c] for c in name + '.']
    pad = longest - len(x)
    return x + [0] * pad, y + [-1] * pad


X, Y = (torch.tensor(part) for part in zip(*map(encode, names)))
n, d, H = len(alphabet), 10, 64
E = torch.randn(n, d)
Wx = torch.randn(d, H) / d ** 0.5
Wh = torch.randn(H, H) * 0.8 / H ** 0.5
bh = torch.zeros(H)
Wo = torch.randn(H, n) * 0.1
bo = torch.zeros(n)
weights = [E, Wx, Wh, bh, Wo, bo]
for w in weights:
    w.requires_grad_()

steps, average = 500, None
for step in range(steps):
    pick = torch.randint(0, len(names), (32,))
    xb, yb = X[pick], Y[pick]
    h = torch.zeros(len(pick), H)
    outs = []
    for t in range(longest):
        h = torch.tanh(E[xb[:, t]] @ Wx + h @ Wh + bh)
        outs.append(h @ Wo + bo)
    loss = F.cross_entropy(torch.stack(outs, 1).view(-1, n), yb.view(-1), ignore_index=-1)

    for w in weights:
        w.grad = None
    loss.backward()
    lr = 0.3 if step < 0.7 * steps else 0.05
    with torch.no_grad():
        for w in weights:
            w -= lr * w.grad

    average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
    if step % 100 == 99:
        print(f'{step + 1}/{steps}: {average:.4f}')
