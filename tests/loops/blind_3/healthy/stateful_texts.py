"""Stateful LSTM over a batch of several texts: the state is carried (detached) from chunk
to chunk and wiped, row by row, wherever a text has ended and a new one begins."""
import random
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(4)
random.seed(4)

WORDS = ["red", "green", "blue", "gold"]
ALPHABET = sorted(set(" .|" + "".join(WORDS)))
C2I = {c: i for i, c in enumerate(ALPHABET)}


def make_text():
    w = random.choice(WORDS)
    return "|" + " ".join([w] * random.randint(3, 8)) + "."


class Row:
    """One row of the batch: reads text after text and tells where texts start."""

    def __init__(self):
        self.buf, self.fresh = [], []

    def take(self, n):
        while len(self.buf) < n + 1:
            t = make_text()
            self.buf += [C2I[c] for c in t]
            self.fresh += [True] + [False] * (len(t) - 1)
        x, y, f = self.buf[:n], self.buf[1:n + 1], self.fresh[:n]
        self.buf, self.fresh = self.buf[n:], self.fresh[n:]
        return x, y, f


class StatefulLM(nn.Module):
    def __init__(self, v, h=48):
        super().__init__()
        self.emb = nn.Embedding(v, 16)
        self.cell = nn.LSTMCell(16, h)
        self.head = nn.Linear(h, v)
        self.h = h

    def zero_state(self, b):
        return torch.zeros(b, self.h), torch.zeros(b, self.h)

    def forward(self, x, fresh, state):
        e, outs = self.emb(x), []
        for t in range(x.size(1)):
            keep = (~fresh[:, t]).float().unsqueeze(1)
            state = tuple(s * keep for s in state)
            state = self.cell(e[:, t], state)
            outs.append(state[0])
        return self.head(torch.stack(outs, 1)), state


def sample(model, n=40):
    model.eval()
    out, tok, state = "", C2I["|"], model.zero_state(1)
    with torch.no_grad():
        for _ in range(n):
            logits, state = model(torch.tensor([[tok]]), torch.zeros(1, 1, dtype=torch.bool), state)
            tok = torch.multinomial(logits[0, -1].softmax(0), 1).item()
            if ALPHABET[tok] in ".|":
                break
            out += ALPHABET[tok]
    model.train()
    return out


rows = [Row() for _ in range(8)]
model = StatefulLM(len(ALPHABET))
opt = torch.optim.Adam(model.parameters(), lr=6e-3)
state = model.zero_state(len(rows))
for step in range(1, 181):
    x, y, f = (torch.tensor(v) for v in zip(*(r.take(12) for r in rows)))
    logits, state = model(x, f, tuple(s.detach() for s in state))
    loss = nn.functional.cross_entropy(logits.transpose(1, 2), y)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    if step % 30 == 0:
        print(step, round(loss.item(), 3), sample(model))
