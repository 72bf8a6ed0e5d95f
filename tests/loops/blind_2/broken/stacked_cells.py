# FAULT: in-no-optimizer
import random
import torch
import torch.nn as nn
import torch.nn.functional as F


def make_sequences(n, length, rng):
    """bracket strings; label of each position = depth of nesting (0..4)"""
    xs, ys = [], []
    for _ in range(n):
        depth, x, y = 0, [], []
        for _ in range(length):
            if depth == 0 or (depth < 4 and rng.random() < 0.5):
                x.append(0); depth += 1
            else:
                x.append(1); depth -= 1
            y.append(depth)
        xs.append(x); ys.append(y)
    return torch.tensor(xs), torch.tensor(ys)


class DepthNet(nn.Module):
    def __init__(self, vocab=2, width=16, depth=2, classes=5):
        super().__init__()
        self.width = width
        self.embed = nn.Embedding(vocab, width)
        self.cells = []
        for _ in range(depth):
            self.cells.append(nn.GRUCell(width, width))  # HERE
        self.norm = nn.LayerNorm(width)
        self.readout = nn.Linear(width, classes)

    def forward(self, x):
        states = [x.new_zeros(x.size(0), self.width, dtype=torch.float) for _ in self.cells]
        outs = []
        for t in range(x.size(1)):
            inp = self.embed(x[:, t])
            for k, cell in enumerate(self.cells):
                states[k] = cell(inp, states[k])
                inp = states[k]
            outs.append(self.readout(self.norm(inp)))
        return torch.stack(outs, 1)


def run(steps=220, batch=24, length=14):
    rng = random.Random(0)
    net = DepthNet()
    print("parameters:", sum(p.numel() for p in net.parameters()))
    opt = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for step in range(steps):
        x, y = make_sequences(batch, length, rng)
        logits = net(x)
        loss = F.cross_entropy(logits.transpose(1, 2), y)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        if step % 20 == 0:
            acc = (logits.argmax(-1) == y).float().mean()
            print(f"step {step} loss {loss.item():.3f} acc {acc.item():.3f}")


torch.set_num_threads(1)
torch.manual_seed(1)
run()
