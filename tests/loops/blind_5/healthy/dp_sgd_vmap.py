"""Differentially private SGD: per-example gradients with torch.func, clipping, Gaussian noise, Poisson sampling.

No .backward() anywhere; gradients are written into .grad by hand. Noise makes single steps wander, the trend counts.
"""
import math

import torch
from torch.func import functional_call, grad_and_value, vmap

torch.set_num_threads(1)
torch.manual_seed(180)


def blobs(n):
    y = torch.randint(0, 3, (n,))
    r = 0.4 + y.float() * 0.8 + 0.13 * torch.randn(n)
    a = 2 * math.pi * torch.rand(n)
    return torch.stack([r * a.cos(), r * a.sin()], 1), y


X, Y = blobs(4000)
Xv, Yv = blobs(1000)
model = torch.nn.Sequential(torch.nn.Linear(2, 32), torch.nn.Tanh(), torch.nn.Linear(32, 3))


def loss_one(params, x, y):
    return torch.nn.functional.cross_entropy(functional_call(model, params, (x[None],)), y[None])


per_example = vmap(grad_and_value(loss_one), in_dims=(None, 0, 0))

CLIP, SIGMA, RATE, STEPS = 1.0, 1.1, 0.05, 700
opt = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.5)
expected = RATE * len(X)


def held_out():
    with torch.no_grad():
        out = model(Xv)
        return torch.nn.functional.cross_entropy(out, Yv).item(), (out.argmax(1) == Yv).float().mean().item()


print("start: held-out loss %.3f acc %.3f" % held_out())
clipped_share, loss_avg = 0.0, 0.0
for step in range(1, STEPS + 1):
    chosen = (torch.rand(len(X)) < RATE).nonzero()[:, 0]  # batch size itself is random
    params = {k: p.detach() for k, p in model.named_parameters()}
    grads, values = per_example(params, X[chosen], Y[chosen])
    norms = torch.sqrt(sum(g.flatten(1).pow(2).sum(1) for g in grads.values()))
    factor = (CLIP / (norms + 1e-9)).clamp(max=1.0)
    for name, p in model.named_parameters():
        summed = torch.einsum("b,b...->...", factor, grads[name])
        p.grad = (summed + SIGMA * CLIP * torch.randn_like(p)) / expected
    opt.step()
    w = 1 / min(step, 50)
    clipped_share += w * ((norms > CLIP).float().mean().item() - clipped_share)
    loss_avg += w * (values.mean().item() - loss_avg)
    if step == STEPS // 2:
        for grp in opt.param_groups:
            grp["lr"] *= 0.4
    if step % 100 == 0:
        print(f"step {step:3d} batch {len(chosen):3d} loss {loss_avg:.3f} clipped {clipped_share:.2f} | held-out loss %.3f acc %.3f" % held_out())
