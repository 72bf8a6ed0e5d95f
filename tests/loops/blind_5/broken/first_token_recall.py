# FAULT: bptt-too-short
"""
Toy memory benchmark.

A sequence of 12 random symbols goes in, the network has to say (after the last
one) which symbol came *first*.  Good sanity check for recurrent cells before
moving to real data.
"""
import random
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(7)
random.seed(7)

N_SYMBOLS = 8
SEQ_LEN = 12
HIDDEN = 48
BATCH = 64
STEPS = 900


def make_batch(n):
    seq = torch.randint(0, N_SYMBOLS, (n, SEQ_LEN))
    return seq, seq[:, 0].clone()


class RecallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(N_SYMBOLS, 16)
        self.cell = nn.GRUCell(16, HIDDEN)
        self.readout = nn.Linear(HIDDEN, N_SYMBOLS)

    def forward(self, seq):
        e = self.embed(seq)
        h = e.new_zeros(seq.size(0), HIDDEN)
        for t in range(seq.size(1)):
            h = self.cell(e[:, t], h.detach())  # HERE
        return self.readout(h)


def accuracy(model, n=1000):
    model.eval()
    with torch.no_grad():
        x, y = make_batch(n)
        acc = (model(x).argmax(dim=1) == y).float().mean().item()
    model.train()
    return acc


def main():
    net = RecallNet()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    t0 = time.time()
    for step in range(1, STEPS + 1):
        x, y = make_batch(BATCH)
        loss = F.cross_entropy(net(x), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        if step % 100 == 0:
            print(f"step {step:4d} | loss {loss.item():.4f} | acc {accuracy(net):.3f} | {time.time() - t0:.1f}s")
    print(f"final accuracy: {accuracy(net, 4000):.3f} (chance = {1 / N_SYMBOLS:.3f})")


if __name__ == "__main__":
    main()
