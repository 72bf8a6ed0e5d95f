# Sentiment of very short reviews of different lengths; batches of two.
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)

GOOD = "great lovely superb charming funny".split()
BAD = "awful boring dull weak messy".split()
FILL = "the film plot was and acting really a bit scenes".split()
VOCAB = {w: i + 1 for i, w in enumerate(GOOD + BAD + FILL + ["not"])}


class Reviews(Dataset):
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        r = lambda k: int(torch.randint(0, k, (1,), generator=g))
        self.items = []
        for _ in range(n):
            words = [FILL[r(len(FILL))] for _ in range(2 + r(7))]
            label, negated = r(2), r(3) == 0
            bank = GOOD if label != negated else BAD
            key = [bank[r(5)]]
            if negated:
                key = ["not"] + key
            at = r(len(words))
            words[at:at] = key
            self.items.append((torch.tensor([VOCAB[w] for w in words]), label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    seqs, labels = zip(*batch)
    return pad_sequence(seqs, batch_first=True), torch.tensor([len(s) for s in seqs]), torch.tensor(labels).float()


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(VOCAB) + 1, 16, padding_idx=0)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.fc = nn.Linear(24, 1)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.emb(x), lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.fc(h[-1]).squeeze(1)


torch.manual_seed(2)
train = DataLoader(Reviews(240, 1), batch_size=2, shuffle=True, collate_fn=collate)
test = DataLoader(Reviews(100, 2), batch_size=50, collate_fn=collate)
model = Classifier()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
bce = nn.BCEWithLogitsLoss()
for epoch in range(5):
    model.train()
    s = 0.0
    for x, n, y in train:
        opt.zero_grad()
        loss = bce(model(x, n), y)
        loss.backward()
        opt.step()
        s += loss.item()
    model.eval()
    with torch.no_grad():
        ok = sum(((model(x, n) > 0).float() == y).sum().item() for x, n, y in test)
    print(f"epoch {epoch}: loss {s / len(train):.3f}  test accuracy {ok / 100:.2f}")
