# FAULT: labels-of-others
"""Sort text messages into topics with a packed LSTM."""
import logging
import random
import sys

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
log = logging.getLogger("sms")

TOPICS = {
    "food": ["pizza", "dinner", "hungry", "soup", "recipe", "lunch"],
    "travel": ["train", "airport", "hotel", "ticket", "flight", "map"],
    "sport": ["match", "goal", "team", "score", "gym", "coach"],
    "work": ["meeting", "boss", "deadline", "report", "office", "salary"],
}
CHATTER = "hey you the is at we i ok see later maybe can about and my so for today now please thanks".split()


class Vocabulary:
    def __init__(self, words):
        self.itos = ["<pad>"] + sorted(set(words))
        self.stoi = {w: i for i, w in enumerate(self.itos)}

    def encode(self, text):
        return torch.tensor([self.stoi[w] for w in text.split()])

    def __len__(self):
        return len(self.itos)


class SmsDataset(Dataset):
    def __init__(self, n, vocab, seed):
        rng = random.Random(seed)
        names = list(TOPICS)
        self.items = []
        for _ in range(n):
            topic = rng.randrange(len(names))
            words = [rng.choice(CHATTER) for _ in range(rng.randint(2, 14))]
            for _ in range(rng.randint(1, 2)):
                words.insert(rng.randrange(len(words) + 1), rng.choice(TOPICS[names[topic]]))
            self.items.append((vocab.encode(" ".join(words)), topic))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate_sms(items):
    by_length = sorted(items, key=lambda item: len(item[0]), reverse=True)
    texts = [text for text, _ in by_length]
    lengths = torch.tensor([len(text) for text in texts])
    topics = torch.tensor([topic for _, topic in items])  # HERE
    return pad_sequence(texts, batch_first=True), lengths, topics


class TopicLSTM(nn.Module):
    def __init__(self, vocab_size, n_topics, emb=24, hidden=32):
        super().__init__()
        self.emb = nn.Embedding(vocab_size, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, n_topics)

    def forward(self, texts, lengths):
        packed = pack_padded_sequence(self.emb(texts), lengths, batch_first=True)
        _, (h, _) = self.lstm(packed)
        return self.fc(h[-1])


def run_epoch(model, loader, criterion, optimizer=None):
    model.train(optimizer is not None)
    loss_sum = hits = n = 0
    with torch.set_grad_enabled(optimizer is not None):
        for texts, lengths, topics in loader:
            scores = model(texts, lengths)
            loss = criterion(scores, topics)
            if optimizer is not None:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            loss_sum += loss.item() * len(topics)
            hits += (scores.argmax(1) == topics).sum().item()
            n += len(topics)
    return loss_sum / n, hits / n


def main():
    torch.set_num_threads(1)
    torch.manual_seed(77)
    vocab = Vocabulary(CHATTER + [w for ws in TOPICS.values() for w in ws])
    train_loader = DataLoader(SmsDataset(1200, vocab, 1), batch_size=32, shuffle=True, collate_fn=collate_sms)
    valid_loader = DataLoader(SmsDataset(300, vocab, 2), batch_size=32, collate_fn=collate_sms)
    model = TopicLSTM(len(vocab), len(TOPICS))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for epoch in range(1, 11):
        tr_loss, tr_acc = run_epoch(model, train_loader, criterion, optimizer)
        va_loss, va_acc = run_epoch(model, valid_loader, criterion)
        log.info("epoch %2d  train %.4f / %.3f   valid %.4f / %.3f", epoch, tr_loss, tr_acc, va_loss, va_acc)


if __name__ == "__main__":
    main()
