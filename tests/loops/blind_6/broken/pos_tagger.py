# FAULT: metric-over-padding
import argparse
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

LEX = {
    "DET": ["the", "a", "every", "some"],
    "ADJ": ["big", "red", "quiet", "old", "happy", "light"],
    "NOUN": ["dog", "house", "river", "light", "walk", "child", "play", "garden"],
    "VERB": ["sees", "likes", "walk", "play", "finds", "light"],
    "ADV": ["often", "slowly", "never"],
    "PREP": ["in", "near", "with"],
}
TAGS = ["<pad>"] + sorted(LEX)
TAG_ID = {t: i for i, t in enumerate(TAGS)}
VOCAB = ["<pad>"] + sorted({w for ws in LEX.values() for w in ws})
WORD_ID = {w: i for i, w in enumerate(VOCAB)}


def noun_phrase(rng):
    tags = ["DET"]
    while rng.random() < 0.35:
        tags.append("ADJ")
    return tags + ["NOUN"]


def sentence(rng):
    tags = noun_phrase(rng)
    if rng.random() < 0.3:
        tags.append("ADV")
    tags.append("VERB")
    if rng.random() < 0.6:
        tags += noun_phrase(rng)
    while rng.random() < 0.3:
        tags += ["PREP"] + noun_phrase(rng)
    words = [rng.choice(LEX[t]) for t in tags]
    return [WORD_ID[w] for w in words], [TAG_ID[t] for t in tags]


def batches(sentences, size, rng=None):
    order = list(range(len(sentences)))
    if rng is not None:
        rng.shuffle(order)
    for start in range(0, len(order), size):
        chunk = [sentences[i] for i in order[start:start + size]]
        longest = max(len(w) for w, _ in chunk)
        words = torch.zeros(len(chunk), longest, dtype=torch.long)
        tags = torch.zeros(len(chunk), longest, dtype=torch.long)
        for row, (w, t) in enumerate(chunk):
            words[row, :len(w)] = torch.tensor(w)
            tags[row, :len(t)] = torch.tensor(t)
        yield words, tags


class Tagger(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.emb = nn.Embedding(len(VOCAB), dim, padding_idx=0)
        self.lstm = nn.LSTM(dim, hidden, batch_first=True, bidirectional=True)
        self.proj = nn.Linear(2 * hidden, len(TAGS))

    def forward(self, words):
        h, _ = self.lstm(self.emb(words))
        return self.proj(h)


def evaluate(model, sentences, batch_size):
    model.eval()
    correct, total = 0, 0
    with torch.no_grad():
        for words, tags in batches(sentences, batch_size):
            pred = model(words).argmax(dim=-1)
            mask = words != 0
            correct += ((pred == tags) & mask).sum().item()
            total += tags.numel()  # HERE
    return correct / total


def train(args):
    rng = random.Random(args.seed)
    torch.manual_seed(args.seed)
    train_set = [sentence(rng) for _ in range(args.train_size)]
    dev_set = [sentence(rng) for _ in range(300)]
    model = Tagger(args.dim, args.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        loss_sum = n = 0
        for words, tags in batches(train_set, args.batch_size, rng):
            logits = model(words)
            loss = F.cross_entropy(logits.transpose(1, 2), tags, ignore_index=0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            n += 1
        print("epoch %2d  loss %.4f  dev accuracy %.2f%%" % (
            epoch, loss_sum / n, 100 * evaluate(model, dev_set, args.batch_size)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="BiLSTM part-of-speech tagger")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--dim", type=int, default=24)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--lr", type=float, default=5e-3)
    parser.add_argument("--train-size", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=3)
    torch.set_num_threads(1)
    train(parser.parse_args())
