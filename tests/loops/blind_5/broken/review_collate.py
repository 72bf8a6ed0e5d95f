# FAULT: labels-of-others
import random
from dataclasses import dataclass
from typing import List, Tuple

import torch
from torch import nn, Tensor
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence
from torch.utils.data import DataLoader

POSITIVE = ["great", "lovely", "superb", "fun", "brilliant"]
NEGATIVE = ["awful", "boring", "poor", "dull", "terrible"]
FILLER = ["the", "movie", "was", "a", "bit", "really", "plot", "and", "actor", "scene", "this", "one"]


@dataclass
class Config:
    n_train: int = 1500
    n_test: int = 500
    emb: int = 24
    hidden: int = 32
    batch_size: int = 32
    epochs: int = 6
    lr: float = 4e-3
    seed: int = 12


def make_review(rng: random.Random) -> Tuple[List[str], int]:
    label = rng.randint(0, 1)
    words = [rng.choice(FILLER) for _ in range(rng.randint(4, 20))]
    for _ in range(rng.randint(1, 3)):
        words.insert(rng.randint(0, len(words)), rng.choice(POSITIVE if label else NEGATIVE))
    return words, label


def main(cfg: Config) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(cfg.seed)
    rng = random.Random(cfg.seed)
    vocab = {w: i + 1 for i, w in enumerate(POSITIVE + NEGATIVE + FILLER)}  # 0 = padding

    def encode(words: List[str]) -> Tensor:
        return torch.tensor([vocab[w] for w in words])

    def collate(batch):
        labels = torch.tensor([float(label) for _, label in batch])
        seqs = sorted([encode(words) for words, _ in batch], key=len, reverse=True)  # HERE
        lengths = torch.tensor([len(s) for s in seqs])
        return pad_sequence(seqs, batch_first=True), lengths, labels

    class SentimentLSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.emb = nn.Embedding(len(vocab) + 1, cfg.emb, padding_idx=0)
            self.lstm = nn.LSTM(cfg.emb, cfg.hidden, batch_first=True)
            self.cls = nn.Linear(cfg.hidden, 1)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            packed = pack_padded_sequence(self.emb(x), lengths, batch_first=True)
            _, (h, _) = self.lstm(packed)
            return self.cls(h[-1]).squeeze(1)

    train_dl = DataLoader([make_review(rng) for _ in range(cfg.n_train)], cfg.batch_size, shuffle=True, collate_fn=collate)
    test_dl = DataLoader([make_review(rng) for _ in range(cfg.n_test)], cfg.batch_size, collate_fn=collate)
    model = SentimentLSTM()
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.lr)
    loss_fn = nn.BCEWithLogitsLoss()

    for epoch in range(cfg.epochs):
        model.train()
        total = 0.0
        for x, lengths, y in train_dl:
            loss = loss_fn(model(x, lengths), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        model.eval()
        with torch.no_grad():
            right = sum(((model(x, l) > 0) == (y > 0.5)).sum().item() for x, l, y in test_dl)
        print(f"epoch {epoch + 1}/{cfg.epochs}  loss={total / cfg.n_train:.4f}  test_acc={right / cfg.n_test:.3f}")


if __name__ == "__main__":
    main(Config())
