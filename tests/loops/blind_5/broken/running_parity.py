# FAULT: in-no-optimizer
import torch
import torch.nn as nn
import torch.nn.functional as F


class DeepGRU(nn.Module):
    def __init__(self, in_dim, hid, layers):
        super().__init__()
        self.hid = hid
        self.cells = [nn.GRUCell(in_dim if i == 0 else hid, hid) for i in range(layers)]  # HERE
        self.norm = nn.LayerNorm(hid)
        self.classify = nn.Linear(hid, 2)

    def forward(self, x):
        hs = [x.new_zeros(x.shape[0], self.hid) for _ in self.cells]
        outs = []
        for t in range(x.shape[1]):
            inp = x[:, t]
            for i, cell in enumerate(self.cells):
                hs[i] = cell(inp, hs[i])
                inp = hs[i]
            outs.append(self.classify(self.norm(inp)))
        return torch.stack(outs, dim=1)


def bits(n, T):
    b = torch.randint(0, 2, (n, T))
    return F.one_hot(b, 2).float(), b.cumsum(1) % 2


torch.set_num_threads(1)
torch.manual_seed(100)
net = DeepGRU(2, 24, 2)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
print("learning running parity of bit strings, T = 10")
for step in range(500):
    x, y = bits(64, 10)
    logits = net(x)
    loss = F.cross_entropy(logits.reshape(-1, 2), y.reshape(-1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 99:
        with torch.no_grad():
            x, y = bits(500, 10)
            hit = (net(x).argmax(-1) == y).float()
        print("step %d loss %.4f  acc %.3f  acc at last bit %.3f" % (step + 1, loss.item(), hit.mean(), hit[:, -1].mean()))
