# FAULT: state-of-another-text
import random
import string
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
random.seed(3)
torch.manual_seed(3)

prefixes = {"Scottish": ["mac", "mc"], "Dutch": ["van", "ter"], "Italian": ["di", "del"], "Irish": ["o", "fitz"]}
categories = list(prefixes)
every_prefix = sum(prefixes.values(), [])


def random_name():
    cat = random.randrange(len(categories))
    parts = [random.choice(prefixes[categories[cat]])]
    for _ in range(random.randint(1, 2)):
        parts.append(random.choice("bglrs") + random.choice(every_prefix))
    return "".join(parts), cat


def to_tensor(name):
    t = torch.zeros(len(name), 1, 26)
    for i, ch in enumerate(name):
        t[i, 0, string.ascii_lowercase.index(ch)] = 1
    return t


class RNN(nn.Module):
    def __init__(self, n_in, n_hid, n_out):
        super().__init__()
        self.n_hid = n_hid
        self.cell = nn.GRUCell(n_in, n_hid)
        self.h2o = nn.Linear(n_hid, n_out)

    def forward(self, x, h):
        h = self.cell(x, h)
        return F.log_softmax(self.h2o(h), dim=1), h

    def init_hidden(self):
        return torch.zeros(1, self.n_hid)


rnn = RNN(26, 64, len(categories))
opt = torch.optim.Adam(rnn.parameters(), lr=0.003)
hidden = rnn.init_hidden()


def train_one(name, cat):
    global hidden
    hidden = hidden.detach()  # HERE
    opt.zero_grad()
    for ch in to_tensor(name):
        out, hidden = rnn(ch, hidden)
    loss = F.nll_loss(out, torch.tensor([cat]))
    loss.backward()
    opt.step()
    return out, loss.item()


current = 0.0
for it in range(1, 801):
    name, cat = random_name()
    out, loss = train_one(name, cat)
    current += loss
    if it % 100 == 0:
        guess = out.argmax().item()
        print(it, f"{current / 100:.3f}", name, categories[guess], "ok" if guess == cat else f"no ({categories[cat]})")
        current = 0.0
