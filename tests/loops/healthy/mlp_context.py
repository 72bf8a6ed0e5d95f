"""Next character from the last few ones: an MLP over a context window, fed by a DataLoader with workers."""

import argparse
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class ContextDataset(Dataset):
    def __init__(self, words, stoi, context):
        self.samples = []
        for word in words:
            window = [0] * context
            for ch in [*word, "."]:
                self.samples.append((window, stoi[ch]))
                window = [*window[1:], stoi[ch]]

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        window, target = self.samples[index]
        return torch.tensor(window), target


class MLP(nn.Module):
    def __init__(self, vocab, context, emb, hidden):
        super().__init__()
        self.table = nn.Embedding(vocab, emb)
        self.layers = nn.Sequential(nn.Linear(context * emb, hidden), nn.Tanh(), nn.Linear(hidden, vocab))

    def forward(self, x):
        return self.layers(self.table(x).flatten(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=0.2)
    parser.add_argument("--context", type=int, default=4)
    args = parser.parse_args()

    torch.manual_seed(7)
    torch.set_num_threads(1)
    random.seed(7)
    syllables = ["an", "na", "mar", "jo", "el", "li", "sa", "ben", "to", "ri"]
    words = ["".join(random.choices(syllables, k=random.randint(2, 4))) for _ in range(1000)]
    stoi = {ch: i for i, ch in enumerate([".", *sorted(set("".join(words)))])}

    loader = DataLoader(
        ContextDataset(words, stoi, args.context),
        batch_size=args.batch_size,
        shuffle=True,
        num_workers=2,
        persistent_workers=True,
    )
    model = MLP(len(stoi), args.context, 8, 64)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        running = 0.0
        for x, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch + 1}: mean loss {running / len(loader):.3f} over {len(loader)} batches")


if __name__ == "__main__":
    main()
