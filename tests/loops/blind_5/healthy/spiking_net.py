# A recurrent spiking network trained with surrogate gradients.
# Spikes are Heaviside in the forward pass (derivative zero almost everywhere), so a custom autograd.Function supplies
# a fast-sigmoid derivative. Task: which of 4 spatio-temporal spike templates is hidden in background noise?
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(150)
CH, T, HID, CLASSES = 20, 30, 64, 4


class Spike(torch.autograd.Function):
    slope = 5.0

    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).to(v.dtype)

    @staticmethod
    def backward(ctx, grad_out):
        (v,) = ctx.saved_tensors
        return grad_out / (1 + Spike.slope * v.abs()) ** 2


spike = Spike.apply


class LIF(nn.Module):
    """leaky integrate-and-fire layer with lateral connections and trainable time constants"""

    def __init__(self, n_in, n):
        super().__init__()
        self.w = nn.Linear(n_in, n, bias=False)
        self.lat = nn.Linear(n, n, bias=False)
        nn.init.normal_(self.w.weight, std=1.5 / n_in**0.5)
        nn.init.normal_(self.lat.weight, std=0.3 / n**0.5)
        self.raw_decay = nn.Parameter(torch.full((n,), 2.0))

    def forward(self, seq):
        decay = torch.sigmoid(self.raw_decay)
        v = seq.new_zeros(seq.size(0), decay.numel())
        s = torch.zeros_like(v)
        out = []
        for x in self.w(seq).unbind(1):
            v = decay * v * (1 - s.detach()) + x + self.lat(s)  # reset path carries no gradient
            s = spike(v - 1.0)
            out.append(s)
        return torch.stack(out, 1)


class Readout(nn.Module):
    """non-spiking leaky integrators; the maximum over time is the logit"""

    def __init__(self, n, k):
        super().__init__()
        self.w = nn.Linear(n, k)

    def forward(self, seq):
        u, us = 0.0, []
        for x in self.w(seq).unbind(1):
            u = 0.9 * u + 0.1 * x
            us.append(u)
        return torch.stack(us, 1).amax(1)


templates = (torch.rand(CLASSES, T, CH, generator=torch.Generator().manual_seed(151)) < 0.12).float()


def recordings(n, gen):
    y = torch.randint(0, CLASSES, (n,), generator=gen)
    x = templates[y]
    x = x * (torch.rand(x.shape, generator=gen) < 0.7)  # missing spikes
    x = torch.maximum(x, (torch.rand(x.shape, generator=gen) < 0.08).float())  # background
    shift = torch.randint(0, 5, (n, 1), generator=gen)
    x = x.gather(1, ((torch.arange(T) - shift) % T)[:, :, None].expand(-1, -1, CH))
    return x, y


hidden, readout = LIF(CH, HID), Readout(HID, CLASSES)
params = list(hidden.parameters()) + list(readout.parameters())
opt = torch.optim.Adam(params, lr=4e-3)
gen = torch.Generator().manual_seed(152)
Xtr, Ytr = recordings(1500, gen)
Xte, Yte = recordings(500, gen)


def test():
    with torch.no_grad():
        s = hidden(Xte)
        out = readout(s)
    return nn.functional.cross_entropy(out, Yte).item(), (out.argmax(1) == Yte).float().mean().item(), s.mean().item()


print("before: test ce %.3f acc %.3f firing rate %.3f" % test())
updates = 0
for epoch in range(8):
    tot = 0.0
    order = torch.randperm(len(Xtr))
    for i in range(0, len(order), 50):
        b = order[i : i + 50]
        s = hidden(Xtr[b])
        rate = s.mean((0, 1))
        activity = (rate - 0.12).relu().pow(2).sum() + (0.02 - rate).relu().pow(2).sum()
        ce = nn.functional.cross_entropy(readout(s), Ytr[b])
        opt.zero_grad()
        (ce + activity).backward()
        opt.step()
        tot += ce.item()
        updates += 1
    print(f"epoch {epoch} train ce {tot / (len(order) / 50):.3f} | test ce %.3f acc %.3f firing rate %.3f" % test())
print(updates, "updates")
