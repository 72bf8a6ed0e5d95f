"""
Probabilistic one-step forecasts with a hand-rolled GRU.

* bfloat16 autocast for the matrix products, float32 for loss, state and optimiser
* gradient checkpointing in segments of 4 time steps (time steps are recomputed in the backward pass)
* weight-normalised layers through torch.nn.utils.parametrizations
* two micro-batches per optimiser step
* variational dropout, left ON for Monte-Carlo evaluation
"""
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.utils.checkpoint import checkpoint

QUANTILES = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])


def series(n, T, g):
    """noisy sines whose noise level depends on the phase; frequency and offset differ from series to series"""
    t = torch.arange(T + 1)
    f = 0.1 + 0.1 * torch.rand(n, 1, generator=g)
    ph = 2 * math.pi * (f * t + torch.rand(n, 1, generator=g))
    level = 0.5 * torch.randn(n, 1, generator=g)
    sd = 0.05 + 0.3 * (0.5 + 0.5 * torch.cos(ph)) ** 2
    return level + torch.sin(ph) + sd * torch.randn(n, T + 1, generator=g)


class Cell(nn.Module):
    def __init__(self, n_in, n):
        super().__init__()
        self.gates = weight_norm(nn.Linear(n_in + n, 2 * n))
        self.cand = weight_norm(nn.Linear(n_in + n, n))

    def weights(self):
        """the normalised matrices, computed once per forward pass instead of once per time step"""
        return self.gates.weight, self.gates.bias, self.cand.weight, self.cand.bias

    @staticmethod
    def step(x, h, mask, wg, bg, wc, bc):
        hm = h * mask
        r, z = torch.sigmoid(F.linear(torch.cat([x, hm], 1), wg, bg).float()).chunk(2, 1)
        c = torch.tanh(F.linear(torch.cat([x, r * hm], 1), wc, bc).float())
        return z * h + (1 - z) * c


class QuantileRNN(nn.Module):
    def __init__(self, n=32, p=0.05, segment=4):
        super().__init__()
        self.n, self.p, self.segment = n, p, segment
        self.cell = Cell(1, n)
        self.head = nn.Linear(n, len(QUANTILES))
        self.use_dropout = True

    def _segment(self, x, h, mask, *w):
        outs = []
        for t in range(x.size(1)):
            h = self.cell.step(x[:, t], h, mask, *w)
            outs.append(h)
        return torch.stack(outs, 1), h

    def forward(self, x):
        h = x.new_zeros(x.size(0), self.n)  # every series is a separate story
        mask = torch.ones_like(h)
        if self.use_dropout:  # one mask per series, drawn outside of the checkpointed part
            mask = torch.bernoulli(torch.full_like(h, 1 - self.p)) / (1 - self.p)
        outs, w = [], self.cell.weights()
        for piece in x.split(self.segment, 1):
            if torch.is_grad_enabled():
                o, h = checkpoint(self._segment, piece, h, mask, *w, use_reentrant=False)
            else:
                o, h = self._segment(piece, h, mask, *w)
            outs.append(o)
        raw = self.head(torch.cat(outs, 1)).float()
        # lowest quantile + positive increments: quantiles cannot cross; shifts are relative to the last value
        low, inc = raw[..., :1] - 0.3, F.softplus(raw[..., 1:] - 1.5)
        return x + torch.cat([low, low + inc.cumsum(-1)], -1)


def pinball(q, y):
    e = y.unsqueeze(-1) - q
    return torch.maximum(QUANTILES * e, (QUANTILES - 1) * e).mean()


@torch.no_grad()
def evaluate(model, data, passes):
    """passes = 0: dropout off; otherwise Monte-Carlo average over that many dropout masks"""
    x, y = data[:, :-1, None], data[:, 1:]
    model.use_dropout = passes > 0
    with torch.autocast("cpu", dtype=torch.bfloat16):
        q = torch.stack([model(x) for _ in range(max(1, passes))]).mean(0)
    model.use_dropout = True
    late = slice(6, None)  # the first steps are a warm-up for the hidden state
    cover = ((y > q[..., 0]) & (y < q[..., -1]))[:, late].float().mean()
    return pinball(q[:, late], y[:, late]).item(), cover.item()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(210)
    g = torch.Generator().manual_seed(211)
    train, val = series(480, 16, g), series(300, 16, g)
    model = QuantileRNN()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=1e-3)
    EPOCHS, MICRO, ACC = 16, 24, 2
    total = EPOCHS * len(train) // (MICRO * ACC)
    sched = torch.optim.lr_scheduler.LambdaLR(
        opt, lambda k: min(1.0, (k + 1) / 15) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * k / total)))
    )
    marginal = torch.quantile(train, QUANTILES)
    print(f"constant quantiles: pinball {pinball(marginal.expand(*val.shape, -1), val):.4f}")
    print("untrained:          pinball %.4f, 90%% interval covers %.2f" % evaluate(model, val, 0))
    step = 0
    for epoch in range(1, EPOCHS + 1):
        run = 0.0
        for i, idx in enumerate(torch.randperm(len(train)).split(MICRO)):
            x, y = train[idx, :-1, None], train[idx, 1:]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                q = model(x)
            loss = pinball(q, y)
            (loss / ACC).backward()
            run += loss.item()
            if (i + 1) % ACC == 0:
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                opt.step()
                opt.zero_grad()
                sched.step()
                step += 1
        if epoch % 2 == 0:
            print(f"epoch {epoch:2d} ({step} steps) train {run / (i + 1):.4f} | validation pinball %.4f cover %.2f" % evaluate(model, val, 0))
    print("Monte-Carlo dropout, 8 passes: pinball %.4f, 90%% interval covers %.2f" % evaluate(model, val, 8))


if __name__ == "__main__":
    main()
