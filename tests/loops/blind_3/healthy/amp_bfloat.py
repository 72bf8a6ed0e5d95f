"""Mixed precision (bfloat16 autocast) around a hand-written minimal gated unit."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


class MGU(nn.Module):
    def __init__(self, n_in, n_hid):
        super().__init__()
        self.n_hid = n_hid
        self.gate = nn.Linear(n_in + n_hid, n_hid)
        self.cand = nn.Linear(n_in + n_hid, n_hid)
        nn.init.constant_(self.gate.bias, -1.0)

    def forward(self, xs):
        h = torch.zeros(xs.size(0), self.n_hid)
        for x in xs.unbind(1):
            f = torch.sigmoid(self.gate(torch.cat([x, h], 1)).float())
            c = torch.tanh(self.cand(torch.cat([x, f * h], 1)).float())
            h = (1 - f) * h + f * c
        return h


class BracketNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = MGU(2, 32)
        self.fc = nn.Linear(32, 1)

    def forward(self, x):
        return self.fc(self.rnn(F.one_hot(x, 2).float())).squeeze(1)


def brackets(n, length=8):
    """1 if there are more opening than closing brackets"""
    x = torch.randint(0, 2, (n, length))
    return x, (x.sum(1) > length / 2).float()


torch.manual_seed(71)
net = BracketNet()
optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
bce = nn.BCEWithLogitsLoss()
for step in range(1, 201):
    x, y = brackets(32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net(x)
    loss = bce(logits.float(), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            x, y = brackets(300)
            acc = ((net(x) > 0).float() == y).float().mean().item()
        print(f"step {step:3d} loss {loss.item():.3f} accuracy {acc:.3f}")
