# The adding problem with an LSTM made of bare tensors and an Adam made of bare tensors.
# No nn.Module, no torch.optim. Two numbers in a sequence are marked; output their sum.
# Predicting 1.0 all the time gives MSE 0.167.
import torch, math, time

torch.set_num_threads(1)
torch.manual_seed(0)
T, B, H = 18, 64, 40


def data(n, gen):
    vals = torch.rand(T, n, generator=gen)
    mark = torch.zeros(T, n)
    a = torch.randint(0, T // 2, (n,), generator=gen)
    b = torch.randint(T // 2, T, (n,), generator=gen)
    cols = torch.arange(n)
    mark[a, cols] = 1
    mark[b, cols] = 1
    return torch.stack([vals, mark], -1), (vals * mark).sum(0)


k = 1 / math.sqrt(H)
Wx = torch.empty(2, 4 * H).uniform_(-k, k)
Wh = torch.cat([torch.linalg.qr(torch.randn(H, H))[0] for _ in range(4)], 1)
b = torch.zeros(4 * H)
b[H : 2 * H] = 1.0  # remember by default
Wo = torch.empty(H, 1).uniform_(-k, k)
bo = torch.zeros(1)
theta = [Wx, Wh, b, Wo, bo]
for p in theta:
    p.requires_grad_(True)


def net(x):
    h = torch.zeros(x.shape[1], H)
    c = torch.zeros(x.shape[1], H)
    pre = x @ Wx + b
    for t in range(x.shape[0]):
        i, f, o, g = (pre[t] + h @ Wh).split(H, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
    return (h @ Wo + bo)[:, 0]


m = [torch.zeros_like(p) for p in theta]
v = [torch.zeros_like(p) for p in theta]
beta1, beta2, eps = 0.9, 0.999, 1e-8

train_gen = torch.Generator().manual_seed(1)
Xte, Yte = data(1000, torch.Generator().manual_seed(2))
with torch.no_grad():
    print("test mse untrained %.4f, variance of the target %.4f" % ((net(Xte) - Yte).pow(2).mean(), Yte.var()))

N = 900
t0 = time.time()
avg = None
for step in range(1, N + 1):
    X, Y = data(B, train_gen)  # always new examples
    loss = ((net(X) - Y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        norm = torch.sqrt(sum((p.grad ** 2).sum() for p in theta))
        scale = min(1.0, 1.0 / (norm.item() + 1e-6))
        lr = 6e-3 * (1.0 if step < 0.6 * N else 0.5 * (1 + math.cos(math.pi * (step - 0.6 * N) / (0.4 * N))))
        for p, mi, vi in zip(theta, m, v):
            g = p.grad * scale
            mi.mul_(beta1).add_(g, alpha=1 - beta1)
            vi.mul_(beta2).addcmul_(g, g, value=1 - beta2)
            mhat = mi / (1 - beta1 ** step)
            vhat = vi / (1 - beta2 ** step)
            p -= lr * mhat / (vhat.sqrt() + eps)
            p.grad = None
    avg = loss.item() if avg is None else 0.95 * avg + 0.05 * loss.item()
    if step % 100 == 0:
        with torch.no_grad():
            te = (net(Xte) - Yte).pow(2).mean().item()
        print(f"{step:5d}  running train mse {avg:.4f}  test mse {te:.4f}  |g| {norm:.3f}  lr {lr:.4f}")
print(f"{time.time() - t0:.1f}s")
