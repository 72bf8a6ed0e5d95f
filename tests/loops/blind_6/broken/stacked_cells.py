# FAULT: in-no-optimizer
import random
import torch
import torch.nn as nn


class StackedGRU(nn.Module):
    """Several GRU cells on top of each other, unrolled by hand."""

    def __init__(self, input_size, hidden_size, num_layers):
        super().__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.cells = [nn.GRUCell(input_size if i == 0 else hidden_size, hidden_size) for i in range(num_layers)]  # HERE

    def forward(self, x):
        batch, steps, _ = x.shape
        hs = [x.new_zeros(batch, self.hidden_size) for _ in range(self.num_layers)]
        tops = []
        for t in range(steps):
            inp = x[:, t]
            new_hs = []
            for cell, h in zip(self.cells, hs):
                inp = cell(inp, h)
                new_hs.append(inp)
            hs = new_hs
            tops.append(inp)
        return torch.stack(tops, dim=1)


class ParityNet(nn.Module):
    def __init__(self, hidden_size=24, num_layers=2):
        super().__init__()
        self.rnn = StackedGRU(2, hidden_size, num_layers)
        self.head = nn.Linear(hidden_size, 3)

    def forward(self, bits):
        onehot = nn.functional.one_hot(bits, 2).float()
        return self.head(self.rnn(onehot))


def sample_batch(batch_size, steps):
    """Random bits; the label at step t is (number of ones up to t) modulo 3."""
    bits = torch.randint(0, 2, (batch_size, steps))
    return bits, bits.cumsum(dim=1) % 3


def run(seed=0, steps=12, updates=500):
    random.seed(seed)
    torch.manual_seed(seed)
    model = ParityNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_fn = nn.CrossEntropyLoss()
    for step in range(1, updates + 1):
        bits, target = sample_batch(64, steps)
        logits = model(bits)
        loss = loss_fn(logits.reshape(-1, 3), target.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            with torch.no_grad():
                bits, target = sample_batch(256, steps)
                acc = (model(bits).argmax(-1) == target).float().mean()
            print(f"step {step:4d}  loss {loss.item():.4f}  acc {acc.item():.3f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    run()
