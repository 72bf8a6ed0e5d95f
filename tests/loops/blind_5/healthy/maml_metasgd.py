"""Meta-SGD (MAML with a learned step size per parameter) for sine regression, in functional style.

Second-order: torch.func.grad inside, autograd outside, tasks batched by vmap.
"""
import math
import torch
from torch.func import functional_call, grad, vmap

torch.set_num_threads(1)
torch.manual_seed(50)

learner = torch.nn.Sequential(
    torch.nn.Linear(1, 40), torch.nn.Tanh(), torch.nn.Linear(40, 40), torch.nn.Tanh(), torch.nn.Linear(40, 1)
)
theta = {k: v.detach().clone().requires_grad_() for k, v in learner.named_parameters()}
alpha = {k: torch.full_like(v, math.log(0.02)).requires_grad_() for k, v in theta.items()}  # log step sizes


def tasks(n, k_support, k_query):
    amp = 0.5 + 2.5 * torch.rand(n, 1, 1)
    ph = math.pi * torch.rand(n, 1, 1)
    x = 10 * torch.rand(n, k_support + k_query, 1) - 5
    y = amp * torch.sin(x + ph)
    return x[:, :k_support], y[:, :k_support], x[:, k_support:], y[:, k_support:]


def mse(params, x, y):
    return (functional_call(learner, params, (x / 2.5,)) - y).pow(2).mean()


def adapt(params, rates, xs, ys, steps):
    for _ in range(steps):
        g = grad(mse)(params, xs, ys)
        params = {k: params[k] - rates[k].exp() * g[k] for k in params}
    return params


def query_loss(params, rates, xs, ys, xq, yq, steps=1):
    return mse(adapt(params, rates, xs, ys, steps), xq, yq)


batched = vmap(query_loss, in_dims=(None, None, 0, 0, 0, 0))
leaves = [*theta.values(), *alpha.values()]
opt = torch.optim.Adam([{"params": theta.values(), "lr": 3e-3}, {"params": alpha.values(), "lr": 1e-2}])
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.5, patience=3, min_lr=3e-4)

val = tasks(200, 10, 20)
test = tasks(400, 10, 20)


@torch.no_grad()  # torch.func.grad inside is not affected by this
def meta_eval(ts, steps):
    return vmap(lambda *t: query_loss(theta, alpha, *t, steps=steps))(*ts).mean().item()


print("held-out tasks, query mse before/after one step of adaptation: %.3f / %.3f" % (meta_eval(test, 0), meta_eval(test, 1)))
ema = None
for it in range(1, 1201):
    loss = batched(theta, alpha, *tasks(25, 10, 10)).mean()
    for p, g in zip(leaves, torch.autograd.grad(loss, leaves)):
        p.grad = g.clamp(-5, 5)
    opt.step()
    ema = loss.item() if ema is None else 0.98 * ema + 0.02 * loss.item()
    if it % 50 == 0:
        v = meta_eval(val, 1)
        plateau.step(v)
        if it % 150 == 0:
            print(f"iteration {it:5d} meta-train {ema:.3f} val {v:.3f} lr {opt.param_groups[0]['lr']:.1e}")
print(f"test tasks: before adaptation {meta_eval(test, 0):.3f} (should stay high), after one step {meta_eval(test, 1):.3f}")
