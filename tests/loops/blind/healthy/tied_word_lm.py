import random
import torch
import torch.nn as nn

torch.manual_seed(1111)
random.seed(1111)
torch.set_num_threads(1)


def chapter():
    who, where = random.choice(['ann', 'bob', 'carl', 'dora', 'ella']), random.choice(['lake', 'mill', 'farm', 'port'])
    return [w for _ in range(random.randint(6, 12))
            for w in (who, random.choice(['likes', 'leaves', 'paints']), where, '<eos>')]


def batchify(words, bsz):
    ids = torch.tensor([vocab[w] for w in words])
    n = ids.size(0) // bsz
    return ids.narrow(0, 0, n * bsz).view(bsz, -1).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self, ntoken, nhid):
        super().__init__()
        self.drop = nn.Dropout(0.05)
        self.encoder = nn.Embedding(ntoken, nhid)
        self.rnn = nn.LSTM(nhid, nhid)
        self.decoder = nn.Linear(nhid, ntoken)
        self.decoder.weight = self.encoder.weight          # tie
        nn.init.uniform_(self.encoder.weight, -0.4, 0.4)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, x, hidden):
        out, hidden = self.rnn(self.drop(self.encoder(x)), hidden)
        return self.decoder(self.drop(out)).flatten(0, 1), hidden

    def init_hidden(self, bsz):
        weight = next(self.parameters())
        return weight.new_zeros(1, bsz, weight.size(1)), weight.new_zeros(1, bsz, weight.size(1))


def repackage_hidden(h):
    return h.detach() if isinstance(h, torch.Tensor) else tuple(repackage_hidden(v) for v in h)


def run(source, bsz, train):
    model.train(train)
    total, hidden = 0.0, model.init_hidden(bsz)
    with torch.set_grad_enabled(train):
        for i in range(0, source.size(0) - 1, bptt):
            n = min(bptt, len(source) - 1 - i)
            x, y = source[i:i + n], source[i + 1:i + 1 + n].view(-1)
            hidden = repackage_hidden(hidden)
            output, hidden = model(x, hidden)
            loss = criterion(output, y)
            if train:
                model.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
            total += len(x) * loss.item()
    return total / (len(source) - 1)


train_words, val_words = sum((chapter() for _ in range(260)), []), sum((chapter() for _ in range(30)), [])
vocab = {w: i for i, w in enumerate(sorted(set(train_words)))}
bptt = 10
train_data, val_data = batchify(train_words, 10), batchify(val_words, 5)
model, criterion, best = RNNModel(len(vocab), 48), nn.CrossEntropyLoss(), None
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
for epoch in range(1, 8):
    tr, va = run(train_data, 10, True), run(val_data, 5, False)
    print(f'| end of epoch {epoch} | train {tr:.3f} | valid {va:.3f} | lr {optimizer.param_groups[0]["lr"]:.1e}')
    if best is None or va < best + 0.01:
        best = va if best is None else min(va, best)
    else:
        optimizer.param_groups[0]['lr'] /= 4.0
