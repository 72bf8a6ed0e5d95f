# FAULT: changed-in-place
# In words: the hidden states are written in place into one tensor from which the next step reads, and backward finds its saved values overwritten
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(40)
torch.set_num_threads(1)


class ElmanLayer(nn.Module):
    def __init__(self, n_in, n_hid):
        super().__init__()
        self.W = nn.Parameter(torch.randn(n_in, n_hid) / n_in ** 0.5)
        self.U = nn.Parameter(torch.randn(n_hid, n_hid) * 0.9 / n_hid ** 0.5)
        self.b = nn.Parameter(torch.zeros(n_hid))

    def forward(self, x):
        batch, steps, _ = x.shape
        states = torch.zeros(batch, steps + 1, self.b.numel())
        for t in range(steps):
            states[:, t + 1] = torch.tanh(x[:, t] @ self.W + states[:, t] @ self.U + self.b)  # HERE
        return states[:, 1:]


class EchoNet(nn.Module):
    """Repeat the input of three steps ago."""

    def __init__(self, n_symbols=5, n_hid=48):
        super().__init__()
        self.n_symbols = n_symbols
        self.layer = ElmanLayer(n_symbols, n_hid)
        self.readout = nn.Linear(n_hid, n_symbols)

    def forward(self, tokens):
        return self.readout(self.layer(F.one_hot(tokens, self.n_symbols).float()))


net = EchoNet()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for step in range(300):
    tokens = torch.randint(0, 5, (32, 15))
    target = tokens[:, :-3]                    # what was seen three steps before
    logits = net(tokens)[:, 3:]
    loss = F.cross_entropy(logits.reshape(-1, 5), target.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
