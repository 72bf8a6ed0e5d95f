# FAULT: non-finite
import random
import torch
import torch.nn as nn

torch.set_num_threads(1)
random.seed(5)
torch.manual_seed(5)

POS = "great lovely superb charming fun brilliant".split()
NEG = "dull awful boring weak poor dreadful".split()
NEU = "the movie plot actor was and it scene with music ending".split()
vocab = {w: i for i, w in enumerate(POS + NEG + NEU)}


def review():
    label = random.random() < 0.5
    n = random.randint(5, 30)
    words = random.choices(NEU, k=n) + random.choices(POS if label else NEG, k=random.randint(1, 4))
    return words, float(label)


def vectorize(items):
    bag = torch.zeros(len(items), len(vocab))
    for i, (words, _) in enumerate(items):
        for w in words:
            bag[i, vocab[w]] += 1
    return bag, torch.tensor([y for _, y in items])


class BagOfWords(nn.Module):
    def __init__(self, n_words, hidden=64):
        super().__init__()
        self.fc1 = nn.Linear(n_words, hidden)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, bag):
        return torch.sigmoid(self.fc2(torch.relu(self.fc1(bag)))).squeeze(1)


def binary_cross_entropy(p, y):
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p)).mean()  # HERE


train_x, train_y = vectorize([review() for _ in range(1280)])
test_x, test_y = vectorize([review() for _ in range(300)])
model = BagOfWords(len(vocab))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)

for epoch in range(10):
    total = 0.0
    for idx in torch.randperm(len(train_x)).split(32):
        loss = binary_cross_entropy(model(train_x[idx]), train_y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        total += loss.item()
    with torch.no_grad():
        acc = ((model(test_x) > 0.5).float() == test_y).float().mean().item()
    print(f"epoch {epoch + 1} loss {total / 40:.5f} test accuracy {acc:.3f}")
