"""BERT-style objective, but with a bidirectional GRU. 20 % of the tokens are masked, all other labels are -100."""
import random

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset


class SentenceData(Dataset):
    patterns = [
        ("the", "N", "is", "on", "the", "P", "today"),
        ("i", "saw", "the", "N", "near", "the", "P"),
        ("put", "the", "N", "under", "the", "P", "please"),
        ("is", "there", "a", "N", "behind", "the", "P"),
    ]
    place_of = {"cup": "shelf", "spoon": "shelf", "boat": "lake", "duck": "lake", "nest": "tree", "owl": "tree"}

    def __init__(self, n, seed):
        rng = random.Random(seed)
        words = {w for p in self.patterns for w in p if len(w) > 1 or w in "ia"} | set(self.place_of) | set(self.place_of.values())
        self.vocab = {w: i for i, w in enumerate(["[MASK]"] + sorted(words))}
        self.rows = []
        for _ in range(n):
            noun = rng.choice(list(self.place_of))
            words = [{"N": noun, "P": self.place_of[noun]}.get(w, w) for w in rng.choice(self.patterns)]
            self.rows.append(torch.tensor([self.vocab[w] for w in words]))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class Masker:
    def __init__(self, p=0.2):
        self.p = p

    def __call__(self, rows):
        ids = torch.stack(rows)
        chosen = torch.rand(ids.shape) < self.p
        chosen[torch.arange(len(ids)), torch.randint(0, ids.size(1), (len(ids),))] = True
        labels = torch.where(chosen, ids, torch.full_like(ids, -100))
        return ids.masked_fill(chosen, 0), labels


class MaskedLM(nn.Module):
    def __init__(self, n_vocab, d=48):
        super().__init__()
        self.emb = nn.Embedding(n_vocab, d)
        self.gru = nn.GRU(d, d, batch_first=True, bidirectional=True)
        self.head = nn.Sequential(nn.Linear(2 * d, d), nn.GELU(), nn.Linear(d, n_vocab))

    def forward(self, x):
        return self.head(self.gru(self.emb(x))[0])


def main():
    torch.set_num_threads(1)
    torch.manual_seed(19)
    train = SentenceData(1600, seed=1)
    loader = DataLoader(train, batch_size=32, shuffle=True, collate_fn=Masker())
    model = MaskedLM(len(train.vocab))
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=6 * len(loader))
    criterion = nn.CrossEntropyLoss(ignore_index=-100)
    for epoch in range(6):
        total = right = count = 0
        for x, labels in loader:
            logits = model(x)
            loss = criterion(logits.flatten(0, 1), labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
            hit = labels != -100
            right += (logits.argmax(-1)[hit] == labels[hit]).sum().item()
            count += hit.sum().item()
        print(f"epoch {epoch + 1}: loss {total / len(loader):.4f} masked accuracy {right / count:.3f}")


if __name__ == "__main__":
    main()
