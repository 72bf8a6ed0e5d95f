# FAULT: labels-of-others
import random
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence

torch.set_num_threads(1)
SEED = 1234
random.seed(SEED)
torch.manual_seed(SEED)

positive = ["good", "nice", "happy", "love"]
negative = ["bad", "sad", "angry", "hate"]
filler = ["i", "you", "we", "think", "feel", "today", "really", "it", "is", "so"]
itos = ["<pad>"] + positive + negative + filler + ["not"]
stoi = {w: i for i, w in enumerate(itos)}


def make_example():
    length = random.randint(3, 14)
    words = [random.choice(filler) for _ in range(length)]
    k = random.randrange(length)
    is_pos = random.random() < 0.5
    words[k] = random.choice(positive if is_pos else negative)
    if random.random() < 0.4:
        words.insert(k, "not")
        is_pos = not is_pos
    return [stoi[w] for w in words], int(is_pos)


class BatchIterator:
    def __init__(self, examples, batch_size):
        self.examples, self.batch_size = examples, batch_size

    def __iter__(self):
        order = random.sample(range(len(self.examples)), len(self.examples))
        for i in range(0, len(order), self.batch_size):
            chunk = [self.examples[j] for j in order[i:i + self.batch_size]]
            lengths = torch.tensor([len(t) for t, _ in chunk])
            text = torch.zeros(len(chunk), int(lengths.max()), dtype=torch.long)
            for r, (t, _) in enumerate(chunk):
                text[r, :len(t)] = torch.tensor(t)
            labels = torch.tensor([y for _, y in chunk], dtype=torch.float)
            lengths, perm = lengths.sort(descending=True)
            yield text[perm], lengths, labels  # HERE


class SentimentLSTM(nn.Module):
    def __init__(self, vocab, emb=24, hid=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hid, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hid, 1)

    def forward(self, text, lengths):
        packed = pack_padded_sequence(self.embedding(text), lengths, batch_first=True)
        _, (h, _) = self.lstm(packed)
        return self.fc(torch.cat([h[-2], h[-1]], dim=1)).squeeze(1)


def binary_accuracy(preds, y):
    return ((torch.sigmoid(preds) > 0.5) == y.bool()).float().mean().item()


train_iter = BatchIterator([make_example() for _ in range(1600)], 32)
model = SentimentLSTM(len(itos))
optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(6):
    losses, accs = [], []
    for text, lengths, labels in train_iter:
        optimizer.zero_grad()
        predictions = model(text, lengths)
        loss = criterion(predictions, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        accs.append(binary_accuracy(predictions, labels))
    print(f"Epoch: {epoch + 1:02} | Train Loss: {sum(losses) / len(losses):.3f} | Train Acc: {100 * sum(accs) / len(accs):.2f}%")
