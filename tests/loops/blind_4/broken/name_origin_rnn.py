# FAULT: double-softmax
"""Which (invented) country does a surname come from?  Character-level GRU."""
import random
import string
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence

random.seed(12)
torch.manual_seed(12)
torch.set_num_threads(1)

ENDINGS = {
    "Borland": ["son", "sen", "berg"], "Castia": ["ez", "illo", "ado"], "Drovia": ["ov", "ova", "sky"],
    "Elonia": ["idis", "poulos", "akis"], "Feria": ["eau", "ois", "elle"], "Ganth": ["mann", "stein", "bach"],
    "Hollow": ["ton", "field", "wood"], "Itana": ["ini", "ella", "etti"],
}
COUNTRIES = list(ENDINGS)
LETTERS = string.ascii_lowercase


def surname(country):
    stem = "".join(random.choice("bcdfglmnprst") + random.choice("aeiou") for _ in range(random.randint(1, 3)))
    return stem + random.choice(ENDINGS[country])


def encode(name):
    return torch.tensor([LETTERS.index(c) + 1 for c in name])


class OriginNet(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.embedding = nn.Embedding(27, 16, padding_idx=0)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, len(COUNTRIES))
        self.softmax = nn.Softmax(dim=1)

    def forward(self, names, lengths):
        packed = pack_padded_sequence(self.embedding(names), lengths, batch_first=True, enforce_sorted=False)
        _, h = self.gru(packed)
        return self.softmax(self.fc(h[-1]))  # HERE


pairs = [(surname(c), i) for i, c in enumerate(COUNTRIES) for _ in range(200)]
random.shuffle(pairs)
train_pairs, test_pairs = pairs[:1300], pairs[1300:]


def collate(chunk):
    seqs = [encode(n) for n, _ in chunk]
    return pad_sequence(seqs, batch_first=True), torch.tensor([len(s) for s in seqs]), torch.tensor([c for _, c in chunk])


net = OriginNet()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.03, momentum=0.9)

for epoch in range(1, 11):
    net.train()
    random.shuffle(train_pairs)
    losses = []
    for k in range(0, len(train_pairs), 26):
        names, lengths, country = collate(train_pairs[k:k + 26])
        optimizer.zero_grad()
        loss = criterion(net(names, lengths), country)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        names, lengths, country = collate(test_pairs)
        acc = (net(names, lengths).argmax(1) == country).float().mean().item()
    print(f"epoch {epoch} loss {sum(losses) / len(losses):.3f} test acc {acc:.3f}")
