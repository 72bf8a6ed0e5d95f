# FAULT: batch-taken-for-time
import math, random
import torch, torch.nn as nn

torch.manual_seed(5); random.seed(5)
torch.set_num_threads(1)

DET = ["the", "a", "every", "some"]
ADJ = ["small", "angry", "blue", "quiet", "old"]
NOUN = ["dog", "robot", "teacher", "river", "cloud"]
VERB = ["sees", "likes", "follows", "avoids"]


def np_():
    words = [random.choice(DET)]
    if random.random() < 0.6:
        words.append(random.choice(ADJ))
    words.append(random.choice(NOUN))
    return words


corpus = " ".join(" ".join(np_() + [random.choice(VERB)] + np_()) + "." for _ in range(1500))
vocab = sorted(set(corpus))
lookup = {ch: i for i, ch in enumerate(vocab)}
ids = torch.LongTensor([lookup[ch] for ch in corpus])
print("corpus: %d chars, vocab %d" % (len(corpus), len(vocab)))


def batchify(data, bsz):
    """-> (time, batch), as the rnn wants it"""
    nb = data.size(0) // bsz
    data = data.narrow(0, 0, nb * bsz)
    return data.view(-1, bsz).contiguous()  # HERE


def get_batch(source, i, bptt):
    n = min(bptt, len(source) - 1 - i)
    return source[i:i + n], source[i + 1:i + 1 + n]


class RNNModel(nn.Module):
    def __init__(self, ntoken, ninp, nhid):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, ninp)
        self.rnn = nn.GRU(ninp, nhid)
        self.decoder = nn.Linear(nhid, ntoken)
        self.nhid = nhid

    def forward(self, inp, hidden):
        output, hidden = self.rnn(self.encoder(inp), hidden)
        return self.decoder(output), hidden

    def init_hidden(self, bsz):
        return torch.zeros(1, bsz, self.nhid)


split = int(0.9 * len(ids))
train_data = batchify(ids[:split], 16)
val_data = batchify(ids[split:], 16)

model = RNNModel(len(vocab), 24, 80)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()


def evaluate():
    model.eval()
    hidden, tot, n = model.init_hidden(16), 0.0, 0
    with torch.no_grad():
        for i in range(0, len(val_data) - 1, 30):
            x, y = get_batch(val_data, i, 30)
            out, hidden = model(x, hidden)
            tot += criterion(out.view(-1, len(vocab)), y.reshape(-1)).item() * y.numel()
            n += y.numel()
    model.train()
    return tot / n


for epoch in range(1, 5):
    hidden = model.init_hidden(16)
    for i in range(0, train_data.size(0) - 1, 30):
        x, y = get_batch(train_data, i, 30)
        hidden = hidden.detach()
        optimizer.zero_grad()
        out, hidden = model(x, hidden)
        loss = criterion(out.view(-1, len(vocab)), y.reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
    v = evaluate()
    print("| epoch %d | train loss %.3f | valid loss %.3f | bits per char %.3f" % (epoch, loss.item(), v, v / math.log(2)))

with torch.no_grad():
    h, tok, txt = model.init_hidden(1), torch.tensor([[lookup["t"]]]), "t"
    for _ in range(120):
        o, h = model(tok, h)
        tok = torch.multinomial(o[-1].softmax(-1), 1)
        txt += vocab[tok.item()]
print(txt)
