# FAULT: state-not-detached
"""min-char-rnn (Karpathy gist) ported from numpy to torch autograd."""
import time
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
data = "to be or not to be that is the question whether tis nobler in the mind to suffer " * 40
chars = sorted(set(data))
V = len(chars)
ix = {c: i for i, c in enumerate(chars)}

H, seq_length, lr = 32, 5, 0.02
Wxh = (torch.randn(V, H) * 0.05).requires_grad_()
Whh = (torch.randn(H, H) * 0.05).requires_grad_()
Why = (torch.randn(H, V) * 0.05).requires_grad_()
bh = torch.zeros(H, requires_grad=True)
by = torch.zeros(V, requires_grad=True)
params = [Wxh, Whh, Why, bh, by]
mem = [torch.zeros_like(p) for p in params]


def lossFun(inputs, targets, h):
    loss = 0.0
    for x, t in zip(inputs, targets):
        h = torch.tanh(Wxh[x] + h @ Whh + bh)
        y = h @ Why + by
        loss = loss - torch.log_softmax(y, dim=0)[t]
    return loss, h


n, p = 0, 0
hprev = torch.zeros(H)
smooth_loss = -torch.log(torch.tensor(1.0 / V)).item() * seq_length
t0 = time.time()
while n < 170:
    if p + seq_length + 1 >= len(data):
        hprev = torch.zeros(H)
        p = 0
    inputs = [ix[ch] for ch in data[p:p + seq_length]]
    targets = [ix[ch] for ch in data[p + 1:p + seq_length + 1]]

    loss, hprev = lossFun(inputs, targets, hprev)  # HERE
    for w in params:
        w.grad = None
    loss.backward(retain_graph=True)
    smooth_loss = smooth_loss * 0.98 + loss.item() * 0.02

    for w, m in zip(params, mem):
        g = w.grad.clamp(-5, 5)
        m += g * g
        w.data -= lr * g / torch.sqrt(m + 1e-8)

    if n % 20 == 0:
        print("iter %d, loss %.3f, %.2f s" % (n, smooth_loss, time.time() - t0))
        t0 = time.time()
    p += seq_length
    n += 1
