# FAULT: training-in-eval-mode
# In words: the sampling function puts the model into eval mode and nothing puts it back, so after the first sample the training runs without dropout
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(4)
torch.manual_seed(4)
torch.set_num_threads(1)

subjects = 'the cat|a grey mouse|my uncle|the queen of spades'.split('|')
tails = 'sleeps till noon|drinks cold tea|plays the flute|knows the way|sings out of tune'.split('|')
text = ''.join(f'{random.choice(subjects)} {random.choice(tails)}\n' for _ in range(260))
vocab = sorted(set(text))
ctoi = {c: i for i, c in enumerate(vocab)}


class CharModel(nn.Module):
    def __init__(self, n, d=56):
        super().__init__()
        self.emb = nn.Embedding(n, d)
        self.drop = nn.Dropout(0.3)
        self.gru = nn.GRU(d, d, batch_first=True)
        self.fc = nn.Linear(d, n)

    def forward(self, x, h=None):
        y, h = self.gru(self.drop(self.emb(x)), h)
        return self.fc(self.drop(y)), h


def tensor(s):
    return torch.tensor([ctoi[c] for c in s])


def batch(source, size=16, length=32):
    at = torch.randint(len(source) - length - 1, (size,))
    chunk = torch.stack([source[a:a + length + 1] for a in at])
    return chunk[:, :-1], chunk[:, 1:]


@torch.no_grad()
def generate(model, prompt='the ', n=40):
    model.eval()  # HERE
    out, (logits, h) = prompt, model(tensor(prompt)[None])
    for _ in range(n):
        nxt = torch.multinomial(F.softmax(logits[0, -1], dim=-1), 1)
        out += vocab[nxt.item()]
        logits, h = model(nxt[None], h)
    return out


ids = tensor(text)
model = CharModel(len(vocab))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
model.train()
for step in range(240):
    if step % 60 == 0:
        print(step, repr(generate(model)))
    x, y = batch(ids)
    logits, _ = model(x)
    loss = F.cross_entropy(logits.transpose(1, 2), y)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 60 == 59:
        print(step, 'loss', round(loss.item(), 4))
