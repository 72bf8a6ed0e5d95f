# FAULT: targets-are-inputs
import random
import torch
from torch import nn

torch.set_num_threads(1)
SEED = 21
random.seed(SEED)
torch.manual_seed(SEED)

NOTES = "C D E F G A B c d e".split()
# which note may follow which (simple folk tune rules)
FOLLOW = {i: sorted({(i + d) % len(NOTES) for d in (1, 2, -1)}) for i in range(len(NOTES))}


def compose(n):
    """rule based composer, gives us as much music as we want"""
    note, tune = 0, []
    for _ in range(n):
        tune.append(note)
        note = random.choices(FOLLOW[note], weights=[5, 1, 3][:len(FOLLOW[note])])[0]
    return tune


song = torch.tensor(compose(6000))


def windows(batch_size=32, T=24):
    while True:
        starts = torch.randint(0, len(song) - T - 1, (batch_size,)).tolist()
        x = torch.stack([song[s:s + T] for s in starts])
        y = torch.stack([song[s:s + T] for s in starts])  # HERE
        yield x, y


class MelodyRNN(nn.Module):
    def __init__(self, n_notes, width=64):
        super().__init__()
        self.embedding = nn.Embedding(n_notes, 16)
        self.rnn = nn.RNN(16, width, batch_first=True)
        self.to_notes = nn.Linear(width, n_notes)

    def forward(self, notes, h=None):
        out, h = self.rnn(self.embedding(notes), h)
        return self.to_notes(out), h

    @torch.no_grad()
    def improvise(self, first, length):
        tune, h = [first], None
        for _ in range(length - 1):
            logits, h = self(torch.tensor([[tune[-1]]]), h)
            p = torch.softmax(logits[0, -1], dim=0)
            tune.append(torch.multinomial(p, 1).item())
        return tune


def legal_share(tune):
    good = sum(b in FOLLOW[a] for a, b in zip(tune, tune[1:]))
    return good / (len(tune) - 1)


net = MelodyRNN(len(NOTES))
opt = torch.optim.RMSprop(net.parameters(), lr=2e-3)
xent = nn.CrossEntropyLoss()
source = windows()
for it in range(1, 601):
    x, y = next(source)
    logits, _ = net(x)
    loss = xent(logits.transpose(1, 2), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 100 == 0:
        print("iteration", it, "loss", round(loss.item(), 4))

tune = net.improvise(0, 300)
print("improvisation:", " ".join(NOTES[i] for i in tune[:40]))
print("share of allowed note transitions: %.2f" % legal_share(tune))
