# FAULT: state-thrown-away
import argparse

import torch
from torch import nn, optim


class SensorLog:
    """A device reports its error code (0..5) in the first record, after that only noise; ask for the code at the end."""

    def __init__(self, seed, records, codes=6):
        self.gen = torch.Generator().manual_seed(seed)
        self.records, self.codes = records, codes

    def batch(self, n):
        code = torch.randint(self.codes, (n,), generator=self.gen)
        x = torch.randn(n, self.records, self.codes, generator=self.gen) * 0.7
        x[:, 0] = 2.0 * nn.functional.one_hot(code, self.codes).float()
        return x, code


class AlarmLSTM(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.LSTMCell(inputs, hidden)
        self.out = nn.Linear(hidden, inputs)
        # start with open forget gates (Jozefowicz et al. 2015)
        with torch.no_grad():
            self.cell.bias_ih[hidden:2 * hidden] = 2.0

    def init_state(self, n):
        return torch.zeros(n, self.hidden), torch.zeros(n, self.hidden)

    def forward(self, x):
        h, c = self.init_state(x.size(0))
        for record in x.unbind(dim=1):
            h, _ = self.cell(record, (h, c))  # HERE
        return self.out(h)


def main(argv=None):
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=400)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--records", type=int, default=20)
    ap.add_argument("--hidden", type=int, default=32)
    ap.add_argument("--lr", type=float, default=0.005)
    args = ap.parse_args(argv)

    torch.set_num_threads(1)
    torch.manual_seed(17)
    log = SensorLog(17, args.records)
    held_x, held_code = SensorLog(99, args.records).batch(300)
    model = AlarmLSTM(log.codes, args.hidden)
    opt = optim.Adam(model.parameters(), lr=args.lr)
    crit = nn.CrossEntropyLoss()

    smooth = None
    for step in range(1, args.steps + 1):
        x, code = log.batch(args.batch)
        opt.zero_grad()
        loss = crit(model(x), code)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
        if step % 50 == 0:
            with torch.no_grad():
                acc = (model(held_x).argmax(1) == held_code).float().mean()
            print("step %d: loss %.3f, held-out acc %.3f" % (step, smooth, acc))


if __name__ == "__main__":
    main()
