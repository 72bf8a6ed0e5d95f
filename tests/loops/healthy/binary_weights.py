# %% [markdown]
# # Binary weights with a straight-through estimator
# Exported from a notebook.

# %%
import torch
import torch.nn as nn
from torch.autograd import Function

torch.manual_seed(0)
torch.set_num_threads(1)


# %%
class Binarize(Function):
    @staticmethod
    def forward(ctx, weight):
        ctx.save_for_backward(weight)
        return weight.sign()

    @staticmethod
    def backward(ctx, grad_output):
        (weight,) = ctx.saved_tensors
        return grad_output * (weight.abs() <= 1).float()


class BinaryLinear(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x, Binarize.apply(self.weight), self.bias) / self.in_features**0.5


# %%
centres = 1.2 * torch.randn(6, 16)


def blobs(n):
    y = torch.randint(0, 6, (n,))
    return centres[y] + torch.randn(n, 16), y


# %%
net = nn.Sequential(BinaryLinear(16, 64), nn.BatchNorm1d(64), nn.Hardtanh(), BinaryLinear(64, 6))
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
crit = nn.CrossEntropyLoss()

# %%
net.train()
losses = []
for _step in range(300):
    xb, yb = blobs(64)
    opt.zero_grad()
    loss = crit(net(xb), yb)
    loss.backward()
    opt.step()
    with torch.no_grad():
        for module in net:
            if isinstance(module, BinaryLinear):
                module.weight.clamp_(-1, 1)
    losses.append(loss.item())

# %%
print("first ten", sum(losses[:10]) / 10, "last ten", sum(losses[-10:]) / 10)

# %%
net.eval()
with torch.no_grad():
    xt, yt = blobs(500)
    print("accuracy", (net(xt).argmax(1) == yt).float().mean().item())
