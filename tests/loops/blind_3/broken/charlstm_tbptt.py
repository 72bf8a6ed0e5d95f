# FAULT: detach-dropped
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(1)

text = ("it was the best of times, it was the worst of times, it was the age of wisdom, "
        "it was the age of foolishness, it was the epoch of belief, it was the epoch of incredulity, ") * 40
vocab = sorted(set(text))
stoi = {c: i for i, c in enumerate(vocab)}
data = torch.tensor([stoi[c] for c in text])

BATCH, BPTT, HID = 8, 25, 64


def batchify(d, bsz):
    n = d.size(0) // bsz
    return d[: n * bsz].view(bsz, n).t().contiguous()


def repackage(state):
    for s in state:
        s.detach()  # HERE
    return state


class Net(nn.Module):
    def __init__(self, nv):
        super().__init__()
        self.emb = nn.Embedding(nv, 32)
        self.lstm = nn.LSTM(32, HID, num_layers=2)
        self.dec = nn.Linear(HID, nv)

    def forward(self, x, state):
        out, state = self.lstm(self.emb(x), state)
        return self.dec(out), state

    def start(self, bsz):
        z = torch.zeros(2, bsz, HID)
        return z, z.clone()


model = Net(len(vocab))
criterion = nn.CrossEntropyLoss()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
stream = batchify(data, BATCH)

for epoch in range(4):
    state = model.start(BATCH)
    total = 0.0
    n = 0
    for i in range(0, stream.size(0) - 1 - BPTT, BPTT):
        x, y = stream[i:i + BPTT], stream[i + 1:i + 1 + BPTT]
        state = repackage(state)
        opt.zero_grad()
        logits, state = model(x, state)
        loss = criterion(logits.view(-1, len(vocab)), y.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        opt.step()
        total += loss.item()
        n += 1
    print(f"epoch {epoch} loss {total / n:.3f}")
