"""Which language is the name from? A GRU fed by a DataLoader with worker processes."""
import random
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, DataLoader

SUFFIX = {'Polish': ['ski', 'wicz', 'czyk'], 'Greek': ['opoulos', 'akis', 'idis'], 'Danish': ['sen', 'gaard', 'holm']}
LANGS = list(SUFFIX)


class Names(Dataset):
    def __init__(self, n, seed):
        r = random.Random(seed)
        self.rows = []
        for _ in range(n):
            lang = r.choice(LANGS)
            self.rows.append((''.join(r.choice('abdegiklmnorst') for _ in range(r.randint(2, 6))) + r.choice(SUFFIX[lang]), lang))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        name, lang = self.rows[i]
        return torch.tensor([ord(c) - 96 for c in name]), LANGS.index(lang)


def collate(batch):
    names, langs = zip(*batch)
    # reversed, so that the end of the name is at the front and the padding does no harm to it
    return pad_sequence([n.flip(0) for n in names], batch_first=True), torch.tensor([len(n) for n in names]), torch.tensor(langs)


class NameNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(27, 16, padding_idx=0)
        self.gru = nn.GRU(16, 40, batch_first=True)
        self.fc = nn.Linear(40, len(LANGS))

    def forward(self, x, lengths):
        out, _ = self.gru(self.emb(x))
        return self.fc(out[torch.arange(len(x)), lengths - 1])


def main():
    torch.manual_seed(33)
    torch.set_num_threads(1)
    loader = DataLoader(Names(1600, 1), batch_size=32, shuffle=True, num_workers=2, collate_fn=collate, persistent_workers=True)
    test = DataLoader(Names(200, 2), batch_size=100, collate_fn=collate)
    model = NameNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(4):
        model.train()
        total = 0.0
        for x, lengths, y in loader:
            optimizer.zero_grad()
            loss = criterion(model(x, lengths), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            acc = sum((model(x, n).argmax(1) == y).sum().item() for x, n, y in test) / 200
        print(f'epoch {epoch} loss {total / len(loader):.4f} test accuracy {acc:.3f}')


if __name__ == '__main__':
    main()
