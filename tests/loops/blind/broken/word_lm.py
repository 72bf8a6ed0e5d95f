# FAULT: state-thrown-away
# In words: the windows follow each other in the text, but the hidden state starts from zero for every one of them in training, so nothing longer than bptt can be learnt
import argparse
import random
import torch
import torch.nn as nn

parser = argparse.ArgumentParser(description='toy word-level language model')
parser.add_argument('--emsize', type=int, default=32)
parser.add_argument('--nhid', type=int, default=48)
parser.add_argument('--bptt', type=int, default=5)
parser.add_argument('--batch_size', type=int, default=10)
parser.add_argument('--epochs', type=int, default=4)
parser.add_argument('--clip', type=float, default=0.25)
args = parser.parse_args()
torch.manual_seed(1111)
random.seed(1111)
torch.set_num_threads(1)


def story(chapters):
    words = []
    for _ in range(chapters):
        hero, place = random.choice('anna boris clara dmitri'.split()), random.choice('sea hill town wood'.split())
        for _ in range(random.randint(6, 12)):
            verb = random.choice('left saw found missed'.split())
            words += [hero, verb, place, '<eos>']
    return words


corpus = story(170)
vocab = sorted(set(corpus))
idx = torch.tensor([vocab.index(w) for w in corpus])


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data.narrow(0, 0, nbatch * bsz).view(bsz, -1).t().contiguous()


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid):
        super().__init__()
        self.nhid = nhid
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.LSTM(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.encoder(input), hidden)
        return self.decoder(output).view(-1, self.decoder.out_features), hidden

    def init_hidden(self, bsz):
        return torch.zeros(1, bsz, self.nhid), torch.zeros(1, bsz, self.nhid)


train_data = batchify(idx, args.batch_size)
model = RNNModel(len(vocab), args.emsize, args.nhid)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)

for epoch in range(1, args.epochs + 1):
    total = 0.
    model.train()
    for batch, i in enumerate(range(0, train_data.size(0) - 1, args.bptt)):
        seq_len = min(args.bptt, train_data.size(0) - 1 - i)
        data, targets = train_data[i:i + seq_len], train_data[i + 1:i + 1 + seq_len].reshape(-1)
        hidden = model.init_hidden(args.batch_size)  # HERE
        optimizer.zero_grad()
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        total += loss.item()
    print('| epoch {:2d} | loss {:5.3f}'.format(epoch, total / (batch + 1)))
