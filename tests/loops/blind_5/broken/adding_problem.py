# FAULT: clipped-without-gradient
"""A variant of the adding problem with a ReLU RNN started from the identity (IRNN paper):
sum up all marked values of the sequence."""
import argparse

import torch
from torch import nn


def adding_batch(n, T):
    values = torch.rand(n, T)
    marks = (torch.rand(n, T) < 0.2).float()
    target = (values * marks).sum(dim=1)
    return torch.stack([values, marks], dim=-1), target


class IRNN(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
        self.linear = nn.Linear(hidden, 1)
        # identity initialisation
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.05)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.linear(y[:, -1]).squeeze(-1)


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--T", type=int, default=30)
    p.add_argument("--hidden", type=int, default=60)
    p.add_argument("--lr", type=float, default=0.005)
    p.add_argument("--clip", type=float, default=0.5)
    p.add_argument("--steps", type=int, default=900)
    p.add_argument("--seed", type=int, default=4)
    return p.parse_args()


def main():
    args = parse()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    net = IRNN(args.hidden)
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    loss_fn = nn.MSELoss()
    hist = []
    for step in range(1, args.steps + 1):
        x, y = adding_batch(50, args.T)
        optimizer.zero_grad()
        loss = loss_fn(net(x), y)
        nn.utils.clip_grad_norm_(net.parameters(), max_norm=args.clip)  # HERE
        loss.backward()
        optimizer.step()
        hist.append(loss.item())
        if step % 150 == 0:
            print(f"{step:5d}  mse (mean of last 150) = {sum(hist[-150:]) / 150:.4f}")
    with torch.no_grad():
        x, y = adding_batch(1000, args.T)
        print("test mse: %.4f   (variance of the targets %.4f)" % (loss_fn(net(x), y).item(), y.var().item()))


if __name__ == "__main__":
    main()
