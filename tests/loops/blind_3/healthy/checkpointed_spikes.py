"""Spiking recurrent net: surrogate gradient by a custom autograd Function, activation checkpointing per segment."""
import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint

torch.set_num_threads(1)
torch.manual_seed(27)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).float()

    @staticmethod
    def backward(ctx, grad):
        v, = ctx.saved_tensors
        return grad / (1 + 5 * v.abs()) ** 2


class SpikingRNN(nn.Module):
    def __init__(self, n_in, n_hid, n_out, segment=6):
        super().__init__()
        self.w_in = nn.Linear(n_in, n_hid)
        self.w_rec = nn.Linear(n_hid, n_hid, bias=False)
        self.w_out = nn.Linear(n_hid, n_out)
        self.n_hid, self.segment, self.decay = n_hid, segment, 0.85
        with torch.no_grad():
            self.w_in.weight.mul_(2.0)
            self.w_rec.weight.mul_(0.5)

    def run_segment(self, x, v, s, acc):
        for t in range(x.size(1)):
            v = self.decay * v * (1 - s) + self.w_in(x[:, t]) + self.w_rec(s)
            s = Spike.apply(v - 1.0)
            acc = acc + self.w_out(s)
        return v, s, acc

    def forward(self, x):
        b = x.size(0)
        v = s = torch.zeros(b, self.n_hid)
        acc = torch.zeros(b, self.w_out.out_features)
        for part in x.split(self.segment, dim=1):
            v, s, acc = checkpoint(self.run_segment, part, v, s, acc, use_reentrant=False)
        return acc / x.size(1)


RATES = 0.1 + 0.5 * torch.rand(4, 12)


def spike_trains(n, steps=12):
    y = torch.randint(0, 4, (n,))
    return (torch.rand(n, steps, 12) < RATES[y].unsqueeze(1)).float(), y


net = SpikingRNN(12, 40, 4)
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
hits = []
for k in range(1, 161):
    x, y = spike_trains(32)
    out = net(x)
    loss = nn.functional.cross_entropy(out, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    hits.append((out.argmax(1) == y).float().mean().item())
    if k % 32 == 0:
        print(f"{k} loss {loss.item():.3f} accuracy {sum(hits[-32:]) / 32:.3f}")
