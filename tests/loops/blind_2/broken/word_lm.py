# FAULT: state-thrown-away
import argparse
import math
import random
import torch
import torch.nn as nn

torch.set_num_threads(1)
parser = argparse.ArgumentParser(description="word-level language model")
parser.add_argument("--emsize", type=int, default=32)
parser.add_argument("--nhid", type=int, default=64)
parser.add_argument("--bptt", type=int, default=5)
parser.add_argument("--batch_size", type=int, default=20)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--clip", type=float, default=0.5)
parser.add_argument("--seed", type=int, default=1111)
args = parser.parse_args([])
random.seed(args.seed)
torch.manual_seed(args.seed)

rota = [("dig", 7), ("rest", 5), ("cook", 9), ("watch", 6)]


def diary(n_days):
    """what the crew did, day after day; now and then somebody is ill"""
    words, k = [], 0
    while len(words) < n_days:
        duty, days = rota[k % len(rota)]
        words += [duty if random.random() > 0.02 else "ill" for _ in range(days)]
        k += 1
    return words


vocab = {w: i for i, w in enumerate([d for d, _ in rota] + ["ill"])}
ids = torch.tensor([vocab[w] for w in diary(10000)])


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data[:nbatch * bsz].view(bsz, -1).t().contiguous()


def get_batch(source, i):
    seq_len = min(args.bptt, len(source) - 1 - i)
    return source[i:i + seq_len], source[i + 1:i + 1 + seq_len].reshape(-1)


def repackage_hidden(h):
    if isinstance(h, torch.Tensor):
        return h.detach()
    return tuple(repackage_hidden(v) for v in h)


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid):
        super().__init__()
        self.nhid = nhid
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)

    def forward(self, x, hidden):
        output, hidden = self.rnn(self.encoder(x), hidden)
        return self.decoder(output).flatten(0, 1), hidden

    def init_hidden(self, bsz):
        return (torch.zeros(1, bsz, self.nhid), torch.zeros(1, bsz, self.nhid))


train_data = batchify(ids, args.batch_size)
model = RNNModel(len(vocab), args.emsize, args.nhid)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
for epoch in range(1, args.epochs + 1):
    hidden = model.init_hidden(args.batch_size)
    total_loss, n = 0.0, 0
    for batch, i in enumerate(range(0, train_data.size(0) - 1, args.bptt)):
        data, targets = get_batch(train_data, i)
        optimizer.zero_grad()
        output, new_hidden = model(data, hidden)
        hidden = repackage_hidden(hidden)  # HERE
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        total_loss, n = total_loss + loss.item(), n + 1
    print(f"| epoch {epoch} | loss {total_loss / n:5.3f} | ppl {math.exp(total_loss / n):8.2f}")
