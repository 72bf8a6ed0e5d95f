# FAULT: double-softmax
# In words: the network ends in a Softmax and CrossEntropyLoss applies a log-softmax again on top of it
import random
import torch
from torch import nn, optim
from torch.utils.data import Dataset, DataLoader

POS = 'wonderful superb moving funny brilliant'.split()
NEG = 'dull awful clumsy boring stale'.split()
FILL = 'the film was a plot with some actors and music in it that we saw'.split()
WORDS = ['<pad>'] + sorted(set(POS + NEG + FILL))


class Reviews(Dataset):
    def __init__(self, n, seed):
        rng = random.Random(seed)
        self.items = []
        for _ in range(n):
            label = rng.randrange(2)
            words = [rng.choice(FILL) for _ in range(11)]
            words[rng.randrange(11)] = rng.choice(POS if label else NEG)
            self.items.append(([WORDS.index(w) for w in words], label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        x, y = self.items[i]
        return torch.tensor(x), torch.tensor(y)


class SentimentGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), 16, padding_idx=0)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.classifier = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(dim=1))  # HERE

    def forward(self, x):
        _, h = self.gru(self.embedding(x))
        return self.classifier(h[-1])


def accuracy(model, loader):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x).argmax(1) == y).sum().item() for x, y in loader)
    return hits / len(loader.dataset)


if __name__ == '__main__':
    torch.manual_seed(2)
    torch.set_num_threads(1)
    train_loader = DataLoader(Reviews(1200, 1), batch_size=32, shuffle=True)
    valid_loader = DataLoader(Reviews(300, 2), batch_size=100)
    model = SentimentGRU()
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(8):
        model.train()
        epoch_loss = 0.0
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            epoch_loss += loss.item() * len(y)
        print(f'Epoch {epoch + 1}: loss {epoch_loss / 1200:.4f}, val acc {accuracy(model, valid_loader):.3f}')
