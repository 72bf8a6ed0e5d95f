# FAULT: state-thrown-away
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class StackedGRU(nn.Module):
    def __init__(self, n_in, n_hid, n_layers):
        super().__init__()
        sizes = [n_in] + [n_hid] * n_layers
        self.cells = nn.ModuleList(nn.GRUCell(a, b) for a, b in zip(sizes[:-1], sizes[1:]))
        self.n_hid = n_hid

    def forward(self, x):
        """x: time x batch x features"""
        states = [x.new_zeros(x.size(1), self.n_hid) for _ in self.cells]
        outputs = []
        for x_t in x:
            inp = x_t
            for cell, h in zip(self.cells, states):
                h = cell(inp, h)  # HERE
                inp = h
            outputs.append(inp)
        return torch.stack(outputs), states


class DelayNet(nn.Module):
    def __init__(self, symbols, n_hid=32, n_layers=2):
        super().__init__()
        self.emb = nn.Embedding(symbols, 16)
        self.rnn = StackedGRU(16, n_hid, n_layers)
        self.out = nn.Linear(n_hid, symbols)

    def forward(self, tokens):
        y, _ = self.rnn(self.emb(tokens))
        return self.out(y)


def delayed(batch, steps, symbols, lag):
    x = torch.randint(0, symbols, (steps, batch))
    return x, x[:-lag]


def main(symbols=6, lag=2, iters=200):
    torch.manual_seed(99)
    net = DelayNet(symbols)
    opt = torch.optim.RMSprop(net.parameters(), lr=4e-3)
    avg = None
    for it in range(1, iters + 1):
        x, y = delayed(20, 9, symbols, lag)
        logits = net(x)[lag:]
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        avg = loss.item() if avg is None else 0.95 * avg + 0.05 * loss.item()
        if it % 50 == 0:
            acc = (logits.argmax(-1) == y).float().mean().item()
            print(f"{it:4d}  loss {avg:.3f}  acc {acc:.2f}")


if __name__ == "__main__":
    main()
