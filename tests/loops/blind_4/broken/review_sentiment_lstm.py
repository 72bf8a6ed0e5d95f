# FAULT: gradients-not-zeroed
"""Toy sentiment classifier: templated product reviews, word-level LSTM."""
import random
import torch
import torch.nn as nn

random.seed(7)
torch.manual_seed(7)
torch.set_num_threads(1)

GOOD = "great lovely excellent superb charming solid brilliant".split()
BAD = "awful broken terrible poor flimsy dreadful useless".split()
THING = "phone kettle lamp chair book camera".split()
FILL = "the this really quite was is and very i think my old new".split()


def review():
    label = random.randint(0, 1)
    words = [random.choice(FILL) for _ in range(random.randint(5, 9))]
    words.insert(random.randrange(len(words)), random.choice(THING))
    flip = random.random() < 0.4
    adj = random.choice(GOOD if label != flip else BAD)
    pos = random.randrange(len(words))
    words[pos:pos] = ["not", adj] if flip else [adj]
    words = (words + ["<pad>"] * 14)[:14]
    return words, label


samples = [review() for _ in range(1200)]
vocab = {w: i for i, w in enumerate(sorted({w for s, _ in samples for w in s}))}
X = torch.tensor([[vocab[w] for w in s] for s, _ in samples])
Y = torch.tensor([l for _, l in samples], dtype=torch.float32)
Xtr, Ytr, Xte, Yte = X[:1000], Y[:1000], X[1000:], Y[1000:]


class Sentiment(nn.Module):
    def __init__(self, n_words):
        super().__init__()
        self.embedding = nn.Embedding(n_words, 16)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
        self.linear = nn.Linear(32, 1)

    def forward(self, x):
        out, (h, c) = self.lstm(self.embedding(x))
        return self.linear(out.max(1).values).squeeze(1)


model = Sentiment(len(vocab))
loss_function = nn.BCEWithLogitsLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)

for epoch in range(15):
    model.train()
    perm = torch.randperm(len(Xtr))
    epoch_loss = 0.0
    for k in range(0, len(Xtr), 25):
        idx = perm[k:k + 25]
        prediction = model(Xtr[idx])
        loss = loss_function(prediction, Ytr[idx])
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item() * len(idx)
    model.eval()
    with torch.no_grad():
        acc = ((model(Xte) > 0).float() == Yte).float().mean()
    print("epoch", epoch, "loss %.4f" % (epoch_loss / len(Xtr)), "test acc %.3f" % acc)
