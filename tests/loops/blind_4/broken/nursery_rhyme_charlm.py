# FAULT: state-not-detached
"""Character-level language model on a few nursery rhymes (GRU, contiguous batches)."""
import math
import torch
import torch.nn as nn

torch.manual_seed(11)
torch.set_num_threads(1)

TEXT = """mary had a little lamb its fleece was white as snow
and everywhere that mary went the lamb was sure to go
it followed her to school one day which was against the rule
it made the children laugh and play to see a lamb at school
humpty dumpty sat on a wall humpty dumpty had a great fall
all the kings horses and all the kings men
couldnt put humpty together again
""" * 12

chars = sorted(set(TEXT))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in TEXT])

BATCH, BPTT, HID, EPOCHS = 8, 24, 96, 20


def batchify(data, bsz):
    n = data.numel() // bsz
    return data[: n * bsz].view(bsz, n)


class CharGRU(nn.Module):
    def __init__(self, vocab, hid):
        super().__init__()
        self.emb = nn.Embedding(vocab, 32)
        self.gru = nn.GRU(32, hid, batch_first=True)
        self.out = nn.Linear(hid, vocab)

    def forward(self, x, h):
        y, h = self.gru(self.emb(x), h)
        return self.out(y), h

    def init_hidden(self, bsz):
        return torch.zeros(1, bsz, self.gru.hidden_size)


data = batchify(ids, BATCH)
model = CharGRU(len(chars), HID)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

for epoch in range(EPOCHS):
    model.train()
    total, count = 0.0, 0
    hidden = model.init_hidden(BATCH)
    for i in range(0, data.size(1) - 1 - BPTT, BPTT):
        x = data[:, i : i + BPTT]
        y = data[:, i + 1 : i + 1 + BPTT]
        optimizer.zero_grad()
        logits, hidden = model(x, hidden)  # HERE
        loss = criterion(logits.reshape(-1, len(chars)), y.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        count += 1
    print(f"epoch {epoch:2d}  loss {total / count:.3f}  ppl {math.exp(total / count):.2f}")
