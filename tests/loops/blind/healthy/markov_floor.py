# The text is a Markov chain, so the best possible loss is its entropy; an RNN gets there quickly and can do no better.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(90)
torch.set_num_threads(1)

K = 6
P = torch.distributions.Dirichlet(torch.full((K,), 0.7)).sample((K,))


def chain(n, length):
    s = torch.randint(0, K, (n, 1))
    for _ in range(length):
        s = torch.cat([s, torch.multinomial(P[s[:, -1]], 1)], dim=1)
    return s


long_run = chain(200, 60)[:, 20:]
entropy = -(P * P.clamp_min(1e-12).log()).sum(1)[long_run].mean().item()


class TinyRNN(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.rnn = nn.RNN(K, hidden, batch_first=True)
        self.out = nn.Linear(hidden, K)

    def forward(self, s):
        h, _ = self.rnn(F.one_hot(s, K).float())
        return self.out(h)


net = TinyRNN()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=300)   # ends at exactly zero
for step in range(300):
    s = chain(32, 20)
    loss = F.cross_entropy(net(s[:, :-1]).flatten(0, 1), s[:, 1:].flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 50 == 0 or step == 299:
        print(f'{step:3d}  loss {loss.item():.3f}   (entropy of the chain {entropy:.3f})')
