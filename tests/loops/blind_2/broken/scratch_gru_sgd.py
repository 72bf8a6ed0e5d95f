# FAULT: step-never-called
# GRU from scratch + SGD with momentum from scratch (exercise 4)
import torch
import torch.nn.functional as F
torch.set_num_threads(1)
gen = torch.Generator().manual_seed(5)

# toy language: a^n b^n blocks
def sample_text(k):
    s = ""
    for _ in range(k):
        n = int(torch.randint(1, 5, (1,), generator=gen))
        s += "a" * n + "b" * n + "|"
    return s

vocab = "ab|"
ids = torch.tensor([vocab.index(c) for c in sample_text(3000)])
V, H = 3, 32

def init(*shape):
    return (torch.randn(*shape, generator=gen) / shape[0] ** 0.5).requires_grad_()

P = {"Wz": init(V + H, H), "Wr": init(V + H, H), "Wh": init(V + H, H), "Wo": init(H, V)}
for k in ("bz", "br", "bh"):
    P[k] = torch.zeros(H, requires_grad=True)
P["bo"] = torch.zeros(V, requires_grad=True)
params = list(P.values())
velocity = [torch.zeros_like(p) for p in params]

def gru(x, h):
    xh = torch.cat([x, h], 1)
    z = torch.sigmoid(xh @ P["Wz"] + P["bz"])
    r = torch.sigmoid(xh @ P["Wr"] + P["br"])
    c = torch.tanh(torch.cat([x, r * h], 1) @ P["Wh"] + P["bh"])
    return (1 - z) * h + z * c

def sgd(lr, mu=0.9):
    with torch.no_grad():
        for p, v in zip(params, velocity):
            v.mul_(mu).add_(p.grad)
            p = p - lr * v  # HERE

def window(B=24, T=16):
    i = torch.randint(0, len(ids) - T - 1, (B,), generator=gen)
    w = torch.stack([ids[j:j + T + 1] for j in i])
    return w[:, :-1], w[:, 1:]

for it in range(300):
    x, y = window()
    h = torch.zeros(x.size(0), H)
    loss = 0
    for t in range(x.size(1)):
        h = gru(F.one_hot(x[:, t], V).float(), h)
        loss = loss + F.cross_entropy(h @ P["Wo"] + P["bo"], y[:, t])
    loss = loss / x.size(1)
    for p in params:
        p.grad = None
    loss.backward()
    sgd(lr=0.2)
    if it % 30 == 0:
        print(f"{it:4d} {loss.item():.4f}")
