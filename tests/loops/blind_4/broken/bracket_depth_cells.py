# FAULT: in-no-optimizer
"""Track the nesting depth of a bracket string with a stack of LSTM cells."""
import torch
import torch.nn as nn
from torch.optim import Adam


class DeepCells(nn.Module):
    def __init__(self, n_in, n_hidden, n_out, depth=2):
        super().__init__()
        self.n_hidden = n_hidden
        self.embed = nn.Embedding(n_in, 4)
        sizes = [4] + [n_hidden] * depth
        self.cells = [nn.LSTMCell(a, b) for a, b in zip(sizes[:-1], sizes[1:])]  # HERE
        self.out = nn.Linear(n_hidden, n_out)

    def forward(self, tokens):
        bsz, length = tokens.shape
        zeros = torch.zeros(bsz, self.n_hidden)
        state = [(zeros, zeros) for _ in self.cells]
        outputs = []
        for t in range(length):
            x = self.embed(tokens[:, t])
            for k, cell in enumerate(self.cells):
                state[k] = cell(x, state[k])
                x = state[k][0]
            outputs.append(self.out(x))
        return torch.stack(outputs, 1)


def brackets(n, length, max_depth):
    tok = torch.zeros(n, length, dtype=torch.long)
    depth = torch.zeros(n, length, dtype=torch.long)
    d = torch.zeros(n, dtype=torch.long)
    for t in range(length):
        up = torch.rand(n) < 0.5
        up = torch.where(d == 0, torch.ones_like(up), up)
        up = torch.where(d == max_depth, torch.zeros_like(up), up)
        d = torch.where(up, d + 1, d - 1)
        tok[:, t] = up.long()
        depth[:, t] = d
    return tok, depth


def train(steps=330, batch=32, length=18, max_depth=5):
    model = DeepCells(2, 32, max_depth + 1)
    opt = Adam(model.parameters(), lr=1e-2)
    crit = nn.CrossEntropyLoss()
    for step in range(1, steps + 1):
        tok, depth = brackets(batch, length, max_depth)
        logits = model(tok)
        loss = crit(logits.flatten(0, 1), depth.flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 30 == 0:
            acc = (logits.argmax(-1) == depth).float().mean().item()
            print(f"step {step}: loss={loss.item():.4f} acc={acc:.3f}")
    return model


if __name__ == "__main__":
    torch.manual_seed(99)
    torch.set_num_threads(1)
    train()
