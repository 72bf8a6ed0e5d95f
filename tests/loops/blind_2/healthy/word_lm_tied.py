"""Word language model in the manner of pytorch/examples: tied weights, plain SGD at 10 and annealing when validation stalls."""
import math
import random
import torch
import torch.nn as nn

torch.set_num_threads(1)
random.seed(1111)
torch.manual_seed(1111)
bptt, bsz, eval_bsz, clip, lr = 12, 20, 10, 0.25, 10.0


def sentence():
    who = random.choice(["alice", "bob", "carol"])
    pronoun = "he" if who == "bob" else "she"
    thing = random.choice(["apple", "book", "lamp", "chair"])
    return f"{who} has a {thing} and {pronoun} {random.choice(['likes', 'sells', 'hides'])} the {thing} <eos>".split()


train_words, val_words = ([w for _ in range(n) for w in sentence()] for n in (2000, 250))
w2i = {w: i for i, w in enumerate(sorted(set(train_words)))}


def batchify(words, bsz):
    data = torch.tensor([w2i[w] for w in words])
    n = data.size(0) // bsz
    return data[:n * bsz].view(bsz, -1).t().contiguous()


def get_batch(source, i):
    n = min(bptt, len(source) - 1 - i)
    return source[i:i + n], source[i + 1:i + 1 + n].view(-1)


class TiedLM(nn.Module):
    def __init__(self, ntoken, d, dropout=0.2):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(ntoken, d)
        self.rnn = nn.LSTM(d, d)
        self.decoder = nn.Linear(d, ntoken)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        self.decoder.weight = self.encoder.weight
        self.d = d

    def forward(self, x, hidden):
        out, hidden = self.rnn(self.drop(self.encoder(x)), hidden)
        return self.decoder(self.drop(out)).view(-1, self.decoder.out_features), hidden

    def init_hidden(self, b):
        return torch.zeros(1, b, self.d), torch.zeros(1, b, self.d)


def evaluate(source):
    model.eval()
    total, hidden = 0.0, model.init_hidden(eval_bsz)
    with torch.no_grad():
        for i in range(0, source.size(0) - 1, bptt):
            x, y = get_batch(source, i)
            out, hidden = model(x, hidden)
            total += len(x) * criterion(out, y).item()
    return total / (len(source) - 1)


train_data, val_data = batchify(train_words, bsz), batchify(val_words, eval_bsz)
model = TiedLM(len(w2i), 48)
criterion = nn.CrossEntropyLoss()
best_val = None
for epoch in range(1, 5):
    model.train()
    hidden, total, n = model.init_hidden(bsz), 0.0, 0
    for i in range(0, train_data.size(0) - 1, bptt):
        x, y = get_batch(train_data, i)
        model.zero_grad()
        hidden = tuple(h.detach() for h in hidden)
        output, hidden = model(x, hidden)
        loss = criterion(output, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        with torch.no_grad():
            for p in model.parameters():
                p.add_(p.grad, alpha=-lr)
        total, n = total + loss.item(), n + 1
    val = evaluate(val_data)
    print(f"epoch {epoch} lr {lr:.2f} train {total / n:.3f} valid {val:.3f} ppl {math.exp(val):.2f}")
    if best_val is None or val < best_val:
        best_val = val
    else:
        lr /= 4.0
