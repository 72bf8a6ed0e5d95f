"""Part-of-speech tagging with a bidirectional LSTM; padding is ignored by the loss."""

import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence

torch.manual_seed(2)
random.seed(2)
torch.set_num_threads(1)

LEXICON = {
    "DET": ["the", "a", "every"],
    "NOUN": ["watch", "light", "plant", "book", "fish"],
    "VERB": ["watch", "light", "plant", "book", "fish"],  # the same words: only the context tells
    "PRON": ["we", "they", "you"],
    "ADV": ["often", "today", "slowly"],
}
PATTERNS = [
    ["PRON", "VERB", "DET", "NOUN"],
    ["PRON", "ADV", "VERB", "DET", "NOUN", "ADV"],
    ["DET", "NOUN", "ADV"],
    ["VERB", "DET", "NOUN"],
]
TAGS = list(LEXICON)
VOCABULARY = ["<pad>", *sorted({w for words in LEXICON.values() for w in words})]


def make_sentence():
    tags = random.choice(PATTERNS)
    words = [random.choice(LEXICON[t]) for t in tags]
    return torch.tensor([VOCABULARY.index(w) for w in words]), torch.tensor([TAGS.index(t) for t in tags])


class Tagger(nn.Module):
    def __init__(self, vocabulary, tags, dim=16, hidden=16):
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, dim, padding_idx=0)
        self.lstm = nn.LSTM(dim, hidden, bidirectional=True, batch_first=True)
        self.hidden2tag = nn.Linear(2 * hidden, tags)

    def forward(self, sentence):
        lstm_out, _ = self.lstm(self.embeddings(sentence))
        return nn.functional.log_softmax(self.hidden2tag(lstm_out), dim=-1)


model = Tagger(len(VOCABULARY), len(TAGS))
loss_function = nn.NLLLoss(ignore_index=-1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

training_data = [make_sentence() for _ in range(800)]
for epoch in range(4):
    random.shuffle(training_data)
    epoch_loss = 0.0
    for i in range(0, len(training_data), 16):
        words, tags = zip(*training_data[i : i + 16], strict=True)
        words = pad_sequence(words, batch_first=True)
        tags = pad_sequence(tags, batch_first=True, padding_value=-1)
        model.zero_grad()
        scores = model(words)
        loss = loss_function(scores.flatten(0, 1), tags.flatten())
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    print(f"epoch {epoch}: {epoch_loss / 50:.4f}")
