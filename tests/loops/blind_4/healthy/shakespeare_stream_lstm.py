"""Character LM on a handful of sonnet lines; the text is read as 10 parallel streams."""
import math
import torch
import torch.nn as nn

torch.manual_seed(1)
torch.set_num_threads(1)

LINES = """shall i compare thee to a summers day
thou art more lovely and more temperate
rough winds do shake the darling buds of may
and summers lease hath all too short a date
sometime too hot the eye of heaven shines
and often is his gold complexion dimmed
and every fair from fair sometime declines
by chance or natures changing course untrimmed
"""
text = LINES * 16
alphabet = sorted(set(text))
lookup = {c: i for i, c in enumerate(alphabet)}
V, B, T = len(alphabet), 10, 25

ids = torch.tensor([lookup[c] for c in text])
n = len(ids) // B
streams = ids[: n * B].view(B, n).t().contiguous()  # time first


class LSTMLM(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(V, 64)
        self.drop = nn.Dropout(0.1)
        self.lstm = nn.LSTM(64, 64, num_layers=1)
        self.dec = nn.Linear(64, V)
        self.dec.weight = self.emb.weight  # tied
        nn.init.uniform_(self.emb.weight, -0.1, 0.1)

    def forward(self, x, state):
        y, state = self.lstm(self.drop(self.emb(x)), state)
        return self.dec(self.drop(y)), state


def repackage(state):
    return tuple(s.detach() for s in state)


@torch.no_grad()
def babble(model, length=50):
    model.eval()
    state = None
    tok = torch.tensor([[lookup["s"]]])
    out = "s"
    for _ in range(length):
        logits, state = model(tok, state)
        tok = torch.multinomial(torch.softmax(logits[-1] / 0.7, -1), 1)
        out += alphabet[tok.item()]
    model.train()
    return out.replace("\n", "/")


model = LSTMLM()
lr = 8.0
criterion = nn.CrossEntropyLoss()
best = None
for epoch in range(12):
    state = (torch.zeros(1, B, 64), torch.zeros(1, B, 64))
    total, count = 0.0, 0
    for i in range(0, n - 1, T):
        length = min(T, n - 1 - i)
        x, y = streams[i:i + length], streams[i + 1:i + 1 + length]
        model.zero_grad()
        state = repackage(state)
        logits, state = model(x, state)
        loss = criterion(logits.view(-1, V), y.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        with torch.no_grad():  # plain gradient descent written out, as in the old word_language_model example
            for p in model.parameters():
                p.add_(p.grad, alpha=-lr)
        total += loss.item() * length
        count += length
    ppl = math.exp(total / count)
    if best is not None and ppl > best:
        lr /= 4.0
    best = ppl if best is None else min(best, ppl)
    print(f"epoch {epoch:2d} lr {lr:4.1f} ppl {ppl:6.2f} | {babble(model)}")
