"""A hand-written recurrent cell with hard 0/1 update gates, trained through a straight-through estimator."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class HardGate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, logits):
        ctx.save_for_backward(logits)
        return (logits > 0).to(logits.dtype)

    @staticmethod
    def backward(ctx, grad):
        (logits,) = ctx.saved_tensors
        s = torch.sigmoid(logits)
        return grad * s * (1 - s) * 4


class SkipCell(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.gate = nn.Linear(n_in + n_hidden, n_hidden)
        self.cand = nn.Linear(n_in + n_hidden, n_hidden)

    def forward(self, x, h):
        z = torch.cat([x, h], dim=-1)
        g = HardGate.apply(self.gate(z))
        return g * torch.tanh(self.cand(z)) + (1 - g) * h, g


class Classifier(nn.Module):
    def __init__(self, n_tokens, n_hidden, n_classes):
        super().__init__()
        self.n_hidden = n_hidden
        self.emb = nn.Embedding(n_tokens, 16)
        self.cell = SkipCell(16, n_hidden)
        self.fc = nn.Linear(n_hidden, n_classes)

    def forward(self, tokens):
        h = torch.zeros(tokens.shape[0], self.n_hidden)
        used = 0.0
        for x in self.emb(tokens).unbind(1):
            h, g = self.cell(x, h)
            used = used + g.mean()
        return self.fc(h), used / tokens.shape[1]


def keyword_batch(n, t=12):
    """noise tokens 3..11 and somewhere one keyword (0..2), which is the class"""
    x = torch.randint(3, 12, (n, t))
    keys = torch.randint(0, 3, (n, 1))
    pos = torch.randint(0, t, (n, 1))
    x.scatter_(1, pos, keys)
    return x, keys.squeeze(1)


def train():
    net = Classifier(12, 40, 3)
    opt = torch.optim.Adam(net.parameters(), lr=3e-3, betas=(0.9, 0.98))
    crit = nn.CrossEntropyLoss(label_smoothing=0.1)
    trace = []
    for i in range(1, 421):
        x, y = keyword_batch(32)
        logits, used = net(x)
        loss = crit(logits, y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        trace.append(loss.item())
        if i % 60 == 0:
            acc = (logits.argmax(1) == y).float().mean()
            print(f"{i:4d} loss {sum(trace[-60:]) / 60:.4f} acc {acc:.3f} open gates {used.item():.2f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(101)
    train()
