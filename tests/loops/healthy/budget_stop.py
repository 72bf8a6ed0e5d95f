"""Train a char RNN until a budget of characters is spent; the loop is left by an exception, which is caught."""

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812

torch.manual_seed(10)
torch.set_num_threads(1)


class BudgetSpent(Exception):  # noqa: N818
    pass


class Budget:
    def __init__(self, characters):
        self.left = characters

    def spend(self, n):
        self.left -= n
        if self.left < 0:
            raise BudgetSpent(f"{-self.left} characters over the budget")


text = (
    "to be able to see far, climb a hill; to be able to see further, wait for a clear day. "
    "to be heard, speak up, and to be understood, speak plainly to those who listen. "
) * 43
alphabet = sorted(set(text))
data = torch.tensor([alphabet.index(c) for c in text])


class Net(nn.Module):
    def __init__(self, n_chars, hidden=64):
        super().__init__()
        self.n_chars = n_chars
        self.rnn = nn.RNN(n_chars, hidden)
        self.linear = nn.Linear(hidden, n_chars)

    def forward(self, x, h):
        y, h = self.rnn(F.one_hot(x, self.n_chars).float(), h)
        return self.linear(y), h


def train(net, optimizer, budget, log):
    streams = 10
    columns = data[: len(data) // streams * streams].view(streams, -1).t().contiguous()
    while True:
        h = torch.zeros(1, streams, 64)
        for i in range(0, len(columns) - 1, 15):
            n = min(15, len(columns) - 1 - i)
            budget.spend(n * streams)
            optimizer.zero_grad()
            out, h = net(columns[i : i + n], h.detach())
            loss = F.cross_entropy(out.flatten(0, 1), columns[i + 1 : i + 1 + n].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            log.append(loss.item())


net = Net(len(alphabet))
log = []
try:
    train(net, torch.optim.Adam(net.parameters(), lr=3e-3), Budget(38_000), log)
except BudgetSpent as stop:
    print(f"stopped: {stop}")
print(f"{len(log)} updates, loss {sum(log[:10]) / 10:.3f} -> {sum(log[-10:]) / 10:.3f}")
