# FAULT: batch-taken-for-time
# In words: batch and time are mixed up: the text is laid out with view(-1, bsz) instead of view(bsz, -1).t(), so a column jumps bsz characters at every time step
import random
import torch
import torch.nn as nn

torch.manual_seed(99)
random.seed(99)
torch.set_num_threads(1)

nouns = ['miller', 'baker', 'farmer', 'old fisherman', 'smith']
verbs = ['sells', 'carries', 'wants', 'breaks', 'hides']
things = ['bread', 'three eggs', 'a net', 'the iron', 'some flour']
corpus = ''.join('the %s %s %s. ' % (random.choice(nouns), random.choice(verbs), random.choice(things))
                 for _ in range(420))
itos = sorted(set(corpus))
ids = torch.tensor([itos.index(c) for c in corpus])
bsz, bptt, ninp, nhid = 12, 25, 24, 64


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    data = data[:nbatch * bsz]
    return data.view(-1, bsz).contiguous()  # HERE


def repackage(h):
    return tuple(v.detach() for v in h)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = nn.Embedding(len(itos), ninp)
        self.rnn = nn.LSTM(ninp, nhid)              # (time, batch, features)
        self.dec = nn.Linear(nhid, len(itos))

    def forward(self, x, h):
        y, h = self.rnn(self.enc(x), h)
        return self.dec(y), h


source = batchify(ids, bsz)
model = Model()
opt = torch.optim.Adam(model.parameters(), lr=4e-3)
crit = nn.CrossEntropyLoss()
for epoch in range(5):
    hidden = (torch.zeros(1, bsz, nhid), torch.zeros(1, bsz, nhid))
    total = count = 0
    for i in range(0, source.size(0) - 1, bptt):
        n = min(bptt, source.size(0) - 1 - i)
        data, target = source[i:i + n], source[i + 1:i + 1 + n]
        hidden = repackage(hidden)
        out, hidden = model(data, hidden)
        loss = crit(out.view(-1, len(itos)), target.reshape(-1))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        opt.step()
        total += loss.item() * n
        count += n
    print('epoch', epoch, 'loss per character', round(total / count, 3))
