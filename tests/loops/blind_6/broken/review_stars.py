# FAULT: padding-read
"""
Good / bad classification of short product reviews with a plain RNN.
The reviews are put together from little templates; "not" flips the verdict.
"""
import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

GOOD = "great lovely sturdy brilliant excellent handy superb".split()
BAD = "awful flimsy broken terrible ugly useless noisy".split()
THINGS = "kettle lamp phone chair tent jacket blender radio desk bike".split()
FILLER = ("i bought this for my sister last week and we used it in the garden "
          "every morning before work because the old one was gone").split()

PAD = "<pad>"
WORDS = [PAD] + sorted(set(GOOD + BAD + THINGS + FILLER + ["the", "is", "not", "really"]))
W2I = {w: i for i, w in enumerate(WORDS)}


def write_review(rng):
    good = rng.random() < 0.5
    negate = rng.random() < 0.4
    adjective = rng.choice(BAD if good == negate else GOOD)
    core = ["the", rng.choice(THINGS), "is"] + (["not"] if negate else []) + [adjective]
    before = rng.randrange(0, 6)
    intro = [rng.choice(FILLER) for _ in range(before)]
    # a few people write essays
    outro_len = rng.randrange(25, 45) if rng.random() < 0.06 else rng.randrange(0, 4)
    outro = [rng.choice(FILLER) for _ in range(outro_len)]
    return intro + core + outro, int(good)


def collate(batch):
    seqs = [torch.tensor([W2I[w] for w in words]) for words, _ in batch]
    lengths = torch.tensor([len(s) for s in seqs])
    labels = torch.tensor([lab for _, lab in batch], dtype=torch.float32)
    return pad_sequence(seqs, batch_first=True, padding_value=0), lengths, labels


class ReviewRNN(nn.Module):
    def __init__(self, emb=24, hid=40):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), emb, padding_idx=0)
        self.rnn = nn.RNN(emb, hid, batch_first=True)
        self.classify = nn.Linear(hid, 1)

    def forward(self, tokens, lengths):
        outputs, _ = self.rnn(self.embedding(tokens))
        final = outputs[:, -1]  # HERE
        return self.classify(final).squeeze(1)


def accuracy(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for tokens, lengths, labels in loader:
            guess = (model(tokens, lengths) > 0).float()
            right += (guess == labels).sum().item()
            total += len(labels)
    model.train()
    return right / total


def main():
    torch.set_num_threads(1)
    torch.manual_seed(11)
    rng = random.Random(11)
    train = [write_review(rng) for _ in range(1500)]
    valid = [write_review(rng) for _ in range(400)]
    train_dl = DataLoader(train, batch_size=50, shuffle=True, collate_fn=collate)
    valid_dl = DataLoader(valid, batch_size=50, collate_fn=collate)

    model = ReviewRNN()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    bce = nn.BCEWithLogitsLoss()
    for ep in range(10):
        losses = []
        for tokens, lengths, labels in train_dl:
            loss = bce(model(tokens, lengths), labels)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            opt.step()
            losses.append(loss.item())
        print(f"[{ep + 1:02d}] loss={sum(losses) / len(losses):.4f}  val_acc={accuracy(model, valid_dl):.3f}")


if __name__ == "__main__":
    main()
