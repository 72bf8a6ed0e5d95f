# FAULT: bptt-too-short
"""Remember the first symbol of a sequence over a stretch of distractors (own GRU cell)."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(21)
torch.set_num_threads(1)

N_SYM, N_DIST, DELAY = 6, 4, 20


class MyGRUCell(nn.Module):
    def __init__(self, n_in, n_hid):
        super().__init__()
        self.gates = nn.Linear(n_in + n_hid, 2 * n_hid)
        self.cand = nn.Linear(n_in + n_hid, n_hid)

    def forward(self, x, h):
        r, z = torch.sigmoid(self.gates(torch.cat([x, h], 1))).chunk(2, 1)
        n = torch.tanh(self.cand(torch.cat([x, r * h], 1)))
        return (1 - z) * n + z * h


class Recall(nn.Module):
    def __init__(self, hid=40):
        super().__init__()
        self.hid = hid
        self.embed = nn.Embedding(N_SYM + N_DIST, 12)
        self.cell = MyGRUCell(12, hid)
        self.readout = nn.Linear(hid, N_SYM)

    def forward(self, seq):
        h = seq.new_zeros(seq.size(0), self.hid, dtype=torch.float)
        emb = self.embed(seq)
        for t in range(seq.size(1)):
            h = self.cell(emb[:, t], h.detach())  # HERE
        return self.readout(h)


def sample(n):
    first = torch.randint(0, N_SYM, (n, 1))
    rest = torch.randint(N_SYM, N_SYM + N_DIST, (n, DELAY))
    return torch.cat([first, rest], 1), first.squeeze(1)


net = Recall()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
correct, losses = 0, []
for step in range(1, 601):
    seq, target = sample(32)
    logits = net(seq)
    loss = F.cross_entropy(logits, target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    correct += (logits.argmax(1) == target).sum().item()
    if step % 100 == 0:
        print(f"{step:5d}  loss {sum(losses) / len(losses):.3f}  acc {correct / 3200:.3f}")
        correct, losses = 0, []
