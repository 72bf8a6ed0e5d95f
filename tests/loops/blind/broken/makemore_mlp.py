# FAULT: gradients-not-zeroed
# In words: the gradients are never set back to zero, so every hand-made SGD step uses the sum of all gradients since the beginning
import random
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
random.seed(42)
g = torch.Generator().manual_seed(2147483647)

# invented words: consonant-vowel syllables with a few endings
syll = [c + v for c in 'bdklmnrst' for v in 'aeio']
words = [''.join(random.choice(syll) for _ in range(random.randint(1, 3))) + random.choice(['n', 'lla', 's', ''])
         for _ in range(800)]
chars = sorted(set(''.join(words)))
stoi = {s: i + 1 for i, s in enumerate(chars)}
stoi['.'] = 0
block_size = 3

X, Y = [], []
for w in words:
    context = [0] * block_size
    for ch in w + '.':
        X.append(context)
        Y.append(stoi[ch])
        context = context[1:] + [stoi[ch]]
X, Y = torch.tensor(X), torch.tensor(Y)

V = len(stoi)
C = torch.randn((V, 8), generator=g)
W1 = torch.randn((8 * block_size, 80), generator=g) * (5 / 3) / (8 * block_size) ** 0.5
b1 = torch.randn(80, generator=g) * 0.01
W2 = torch.randn((80, V), generator=g) * 0.01
b2 = torch.zeros(V)
parameters = [C, W1, b1, W2, b2]
for p in parameters:
    p.requires_grad = True
print(sum(p.nelement() for p in parameters), 'parameters')

lossi = []
for i in range(600):
    ix = torch.randint(0, X.shape[0], (64,), generator=g)
    emb = C[X[ix]]
    h = torch.tanh(emb.view(emb.shape[0], -1) @ W1 + b1)
    logits = h @ W2 + b2
    loss = F.cross_entropy(logits, Y[ix])

    loss.backward()  # HERE
    lr = 0.1 if i < 400 else 0.01
    for p in parameters:
        p.data += -lr * p.grad

    lossi.append(loss.item())
    if i % 100 == 0:
        print(f'{i:4d}: {loss.item():.4f}')
print('mean of last 50:', sum(lossi[-50:]) / 50)
