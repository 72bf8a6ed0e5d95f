# Bidirectional tagger: is a word inside a quotation, at its border, or outside?
import random
import torch
import torch.autograd as autograd  # noqa: F401  (left over from an older version)
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(1)
random.seed(1)
torch.set_num_threads(1)

plain = 'he said that we may come home when it is dark'.split()
word_to_ix = {w: i for i, w in enumerate(['<pad>', 'open', 'close'] + plain)}
tag_to_ix = {'OUT': 0, 'IN': 1}


def make_sentence(n=12):
    words = [random.choice(plain) for _ in range(n)]
    tags = ['OUT'] * n
    a, b = sorted(random.sample(range(n), 2))
    kind = random.random()
    if kind < 0.6:                       # only a pair counts, a lone mark does not
        words[a], words[b] = 'open', 'close'
        tags[a:b + 1] = ['IN'] * (b - a + 1)
    elif kind < 0.8:
        words[a] = 'open'
    else:
        words[b] = 'close'
    return [word_to_ix[w] for w in words], [tag_to_ix[t] for t in tags]


def make_batch(n):
    sentences, tags = zip(*(make_sentence() for _ in range(n)))
    return torch.tensor(sentences).t(), torch.tensor(tags).t()      # time first


class BiLSTMTagger(nn.Module):
    def __init__(self, embedding_dim=16, hidden_dim=24):
        super(BiLSTMTagger, self).__init__()
        self.word_embeds = nn.Embedding(len(word_to_ix), embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hidden_dim, len(tag_to_ix))

    def forward(self, sentence):
        out, _ = self.lstm(self.word_embeds(sentence))
        return self.hidden2tag(out)


model = BiLSTMTagger()
loss_function = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
for i in range(300):
    model.zero_grad()
    x, y = make_batch(20)
    scores = model(x)
    loss = loss_function(scores.reshape(-1, 2), y.reshape(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if i % 50 == 49:
        print(i + 1, round(loss.item(), 4))

with torch.no_grad():
    x, y = make_batch(200)
    print('tags right:', (model(x).argmax(-1) == y).float().mean().item())
