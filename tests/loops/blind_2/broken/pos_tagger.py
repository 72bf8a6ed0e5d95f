# FAULT: gradients-not-zeroed
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
random.seed(7)
torch.manual_seed(7)

LEX = {
    "DET": ["the", "a", "every"],
    "ADJ": ["big", "red", "old", "run"],
    "N": ["dog", "car", "run", "walk", "house"],
    "V": ["saw", "run", "walk", "liked"],
    "P": ["in", "near", "with"],
}
TAGS = list(LEX)
W2I = {w: i for i, w in enumerate(sorted({w for ws in LEX.values() for w in ws}))}


def np_():
    return ["DET"] + ["ADJ"] * random.randint(0, 1) + ["N"]


class Sentences(Dataset):
    def __init__(self, n, noise=0.0):
        self.items = []
        while len(self.items) < n:
            tags = np_() + ["V"] + np_() + ["P"] + np_()
            if len(tags) != 9:
                continue
            words = [random.choice(LEX[t]) for t in tags]
            if noise:  # crowd annotators slip now and then
                tags = [t if random.random() > noise else random.choice(TAGS) for t in tags]
            self.items.append((torch.tensor([W2I[w] for w in words]),
                               torch.tensor([TAGS.index(t) for t in tags])))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class LSTMTagger(nn.Module):
    def __init__(self, emb=24, hid=32):
        super().__init__()
        self.word_embeddings = nn.Embedding(len(W2I), emb)
        self.lstm = nn.LSTM(emb, hid, batch_first=True, bidirectional=True)
        self.hidden2tag = nn.Linear(2 * hid, len(TAGS))

    def forward(self, x):
        out, _ = self.lstm(self.word_embeddings(x))
        return self.hidden2tag(out)


def accuracy(model, ds):
    model.eval()
    with torch.no_grad():
        x, y = zip(*[ds[i] for i in range(len(ds))])
        acc = (model(torch.stack(x)).argmax(-1) == torch.stack(y)).float().mean().item()
    model.train()
    return acc


def main():
    train, test = Sentences(1600, noise=0.15), Sentences(200)
    loader = DataLoader(train, batch_size=8, shuffle=True)
    model = LSTMTagger()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    loss_function = nn.CrossEntropyLoss()
    for epoch in range(3):
        running = 0.0
        optimizer.zero_grad()  # HERE
        for x, y in loader:
            scores = model(x)
            loss = loss_function(scores.flatten(0, 1), y.flatten())
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch} loss {running / len(loader):.4f} test acc {accuracy(model, test):.3f}")


if __name__ == "__main__":
    main()
