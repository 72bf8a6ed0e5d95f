# one hand-written LSTM trunk, two heads, two backward passes through the shared part
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(55)
torch.set_num_threads(1)


class MyLSTMCell(nn.Module):
    def __init__(self, n_in, n_hid):
        super().__init__()
        self.n_hid = n_hid
        self.gates = nn.Linear(n_in + n_hid, 4 * n_hid)

    def forward(self, x, state):
        h, c = state
        i, f, g, o = self.gates(torch.cat([x, h], dim=1)).chunk(4, dim=1)
        c = torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class Trunk(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.cell = MyLSTMCell(1, hidden)

    def forward(self, x):
        h = c = x.new_zeros(x.size(0), self.cell.n_hid)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t:t + 1], (h, c))
        return h


trunk = Trunk()
head_sum = nn.Linear(32, 1)            # regression: the mean of the sequence
head_sign = nn.Linear(32, 2)           # classification: is the end higher than the beginning?
trunk_opt = torch.optim.Adam(trunk.parameters(), lr=5e-3)
heads_opt = torch.optim.Adam([{'params': head_sum.parameters()}, {'params': head_sign.parameters(), 'lr': 2e-3}], lr=5e-3)

for step in range(220):
    x = torch.rand(32, 9) * 2 - 1
    mean = x.mean(dim=1, keepdim=True)
    rising = (x[:, -3:].sum(1) > x[:, :3].sum(1)).long()

    features = trunk(x)
    loss_reg = F.mse_loss(head_sum(features), mean)
    loss_cls = F.cross_entropy(head_sign(features), rising)

    trunk_opt.zero_grad()
    heads_opt.zero_grad()
    loss_reg.backward(retain_graph=True)       # the trunk's graph is needed once more
    loss_cls.backward()
    heads_opt.step()
    trunk_opt.step()
    if step % 50 == 0 or step == 219:
        print(f'{step:3d}  regression {loss_reg.item():.4f}  classification {loss_cls.item():.4f}')
