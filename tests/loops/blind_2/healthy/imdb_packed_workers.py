"""Sentiment with packed sequences; padding and sorting happen in the collate function, loading in worker processes."""
import random
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, random_split

GOOD = ["wonderful", "gripping", "clever"]
BAD = ["tedious", "clumsy", "shallow"]
REST = ["the", "film", "was", "a", "story", "about", "people", "and", "music", "never", "quite", "very"]


class Reviews(Dataset):
    def __init__(self, n, seed=0):
        rng = random.Random(seed)
        self.vocab = {w: i + 1 for i, w in enumerate(GOOD + BAD + REST)}
        self.data = []
        for _ in range(n):
            words = rng.choices(REST, k=rng.randint(4, 18))
            label = rng.randint(0, 1)
            for _ in range(rng.randint(1, 2)):
                words.insert(rng.randrange(len(words) + 1), rng.choice(GOOD if label else BAD))
            if rng.random() < 0.05:
                label = 1 - label  # some people click the wrong button
            self.data.append((torch.tensor([self.vocab[w] for w in words]), label))

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        return self.data[i]


def collate(batch):
    batch = sorted(batch, key=lambda item: len(item[0]), reverse=True)
    lengths = torch.tensor([len(t) for t, _ in batch])
    text = pad_sequence([t for t, _ in batch], batch_first=True)
    return text, lengths, torch.tensor([float(y) for _, y in batch])


class Net(nn.Module):
    def __init__(self, n_vocab):
        super().__init__()
        self.emb = nn.Embedding(n_vocab, 24, padding_idx=0)
        self.rnn = nn.LSTM(24, 32, batch_first=True)
        self.drop = nn.Dropout(0.2)
        self.fc = nn.Linear(32, 1)

    def forward(self, text, lengths):
        packed = pack_padded_sequence(self.emb(text), lengths, batch_first=True)
        _, (h, _) = self.rnn(packed)
        return self.fc(self.drop(h[-1])).squeeze(-1)


def run_epoch(model, loader, criterion, optimizer=None):
    model.train(optimizer is not None)
    total = right = seen = 0
    with torch.set_grad_enabled(optimizer is not None):
        for text, lengths, y in loader:
            out = model(text, lengths)
            loss = criterion(out, y)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            total += loss.item() * len(y)
            right += ((out > 0) == (y > 0.5)).sum().item()
            seen += len(y)
    return total / seen, right / seen


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(0)
    ds = Reviews(1500)
    train, val = random_split(ds, [1250, 250])
    train_dl = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate, num_workers=2, persistent_workers=True)
    val_dl = DataLoader(val, batch_size=125, collate_fn=collate)
    net = Net(len(ds.vocab) + 1)
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    for epoch in range(5):
        tr = run_epoch(net, train_dl, nn.BCEWithLogitsLoss(), opt)
        va = run_epoch(net, val_dl, nn.BCEWithLogitsLoss())
        print(f"epoch {epoch}: train {tr[0]:.3f} / {tr[1]:.3f}   val {va[0]:.3f} / {va[1]:.3f}")
