# FAULT: double-softmax
import random
import torch
from torch import nn

torch.set_num_threads(1)
random.seed(5); torch.manual_seed(5)

NAMES = """anna emma olivia ava sophia isabella mia charlotte amelia harper evelyn abigail emily
ella elizabeth camila luna sofia avery mila aria scarlett penelope layla chloe victoria madison
eleanor grace nora riley zoey hannah hazel lily ellie violet lillian zoe stella aurora natalie
emilia everly leah aubrey willow addison lucy audrey bella nova brooklyn paisley savannah claire""".split()

alphabet = ".abcdefghijklmnopqrstuvwxyz"
idx = {c: i for i, c in enumerate(alphabet)}


class NameModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(27, 20)
        self.body = nn.LSTM(20, 64, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(64, 64),
            nn.Tanh(),
            nn.Linear(64, 27),
            nn.Softmax(dim=-1),  # HERE
        )

    def forward(self, x, s=None):
        y, s = self.body(self.table(x), s)
        return self.head(y), s


def minibatch(k=16):
    picked = random.sample(NAMES, k)
    L = max(map(len, picked)) + 1
    x = torch.zeros(k, L, dtype=torch.long)
    y = torch.full((k, L), -100)
    for r, n in enumerate(picked):
        ids = [idx[c] for c in n]
        x[r, 1:len(n) + 1] = torch.tensor(ids)
        y[r, :len(n)] = torch.tensor(ids)
        y[r, len(n)] = 0
    return x, y


@torch.no_grad()
def invent(model):
    s, cur, out = None, torch.zeros(1, 1, dtype=torch.long), ""
    for _ in range(15):
        p, s = model(cur, s)
        cur = torch.multinomial(p[:, -1], 1)
        if cur.item() == 0:
            break
        out += alphabet[cur.item()]
    return out


model = NameModel()
loss_fn = nn.CrossEntropyLoss(ignore_index=-100)
optim = torch.optim.Adam(model.parameters(), lr=5e-3)
for it in range(1, 401):
    x, y = minibatch()
    p, _ = model(x)
    loss = loss_fn(p.reshape(-1, 27), y.reshape(-1))
    optim.zero_grad(set_to_none=True)
    loss.backward()
    optim.step()
    if it % 50 == 0:
        print(it, round(loss.item(), 3), [invent(model) for _ in range(3)])
