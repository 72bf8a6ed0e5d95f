# FAULT: state-thrown-away
# ruff: noqa: ERA001
"""LSTM language model on generated recipes; the text is cut into streams that are read window by window."""

import argparse
import random

import torch
import torch.nn as nn


def recipes(n):
    verbs, foods = ["chop", "fry", "boil", "peel", "mix"], ["onions", "carrots", "eggs", "rice", "beans"]
    lines = []
    for _ in range(n):
        food = random.choice(foods)
        lines.append(f"{random.choice(verbs)} the {food}, wait a little, then serve the {food}.")
    return "\n".join(lines)


class CharLSTM(nn.Module):
    def __init__(self, vocab_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(vocab_size, 24)
        self.lstm = nn.LSTM(24, hidden_size, batch_first=True)
        self.fc = nn.Linear(hidden_size, vocab_size)

    def init_hidden(self, batch_size):
        zeros = torch.zeros(1, batch_size, self.hidden_size)
        return zeros, zeros.clone()

    def forward(self, x, hidden):
        out, hidden = self.lstm(self.embedding(x), hidden)
        return self.fc(out), hidden


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=20)
    parser.add_argument("--window", type=int, default=16)
    args = parser.parse_args()
    torch.manual_seed(77)
    random.seed(77)
    torch.set_num_threads(1)

    text = recipes(600)
    chars = sorted(set(text))
    data = torch.tensor([chars.index(c) for c in text])
    n = (len(data) - 1) // args.batch_size
    inputs = data[: n * args.batch_size].view(args.batch_size, n)
    targets = data[1 : n * args.batch_size + 1].view(args.batch_size, n)

    model = CharLSTM(len(chars), 48)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(args.epochs):
        total, windows = 0.0, 0
        for i in range(0, n - args.window + 1, args.window):
            hidden = model.init_hidden(args.batch_size)  # HERE
            x, y = inputs[:, i : i + args.window], targets[:, i : i + args.window]
            optimizer.zero_grad()
            logits, hidden = model(x, hidden)
            loss = criterion(logits.transpose(1, 2), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
            windows += 1
        print(f"epoch {epoch}: mean loss {total / windows:.3f}")


if __name__ == "__main__":
    main()
