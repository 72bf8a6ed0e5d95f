# FAULT: not-called
# ruff: noqa: ERA001
"""N-gram word model after Bengio: two words of context, embeddings, two linear layers."""

import random

import torch
from torch import nn, optim
from torch.nn import functional as F  # noqa: N812

torch.manual_seed(1)
random.seed(1)
torch.set_num_threads(1)

CONTEXT_SIZE = 2
EMBEDDING_DIM = 10
text = """this is the farmer sowing his corn that kept the cock that crowed in the morn
that waked the priest all shaven and shorn that married the man all tattered and torn"""
rhyme = text.split()

vocab = sorted(set(rhyme))
word_to_ix = {word: i for i, word in enumerate(vocab)}
ngrams = [
    (torch.tensor([word_to_ix[rhyme[i - 2]], word_to_ix[rhyme[i - 1]]]), torch.tensor([word_to_ix[rhyme[i]]]))
    for i in range(CONTEXT_SIZE, len(rhyme))
]


class NGramLanguageModeler(nn.Module):
    def __init__(self, vocab_size, embedding_dim, context_size):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(context_size * embedding_dim, 64)
        self.linear2 = nn.Linear(64, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        return F.log_softmax(self.linear2(F.relu(self.linear1(embeds))), dim=1)


losses = []
loss_function = nn.NLLLoss()
model = NGramLanguageModeler(len(vocab), EMBEDDING_DIM, CONTEXT_SIZE)
optimizer = optim.SGD(model.parameters(), lr=0.05)

for _ in range(15):
    total_loss = 0
    random.shuffle(ngrams)
    for context, target in ngrams:
        model.zero_grad()
        log_probs = model(context)
        loss = loss_function(log_probs, target)
        loss.backward()
        optimizer.step  # noqa: B018  # HERE
        total_loss += loss.item()
    losses.append(total_loss / len(ngrams))
print("first", losses[0], "last", losses[-1])
