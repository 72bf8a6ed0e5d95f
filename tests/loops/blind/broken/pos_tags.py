# FAULT: wrong-shape
# In words: the scores go to the loss as (batch, time, tags) although cross entropy wants the tags in dimension 1, which stops with a shape error
import random
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(1)
random.seed(1)
torch.set_num_threads(1)

lexicon = {'DET': ['the', 'a', 'every'], 'ADJ': ['red', 'small', 'loud'], 'NN': ['dog', 'apple', 'door', 'child'],
           'V': ['ate', 'saw', 'opened'], 'ADV': ['slowly', 'twice']}
tag_to_ix = {tag: i for i, tag in enumerate(lexicon)}
word_to_ix = {w: i for i, w in enumerate(w for ws in lexicon.values() for w in ws)}
pattern = ['DET', 'ADJ', 'NN', 'V', 'DET', 'NN', 'ADV']


def sentence():
    return [random.choice(lexicon[tag]) for tag in pattern], pattern


def prepare(pairs):
    x = torch.tensor([[word_to_ix[w] for w in words] for words, _ in pairs])
    y = torch.tensor([[tag_to_ix[t] for t in tags] for _, tags in pairs])
    return x, y


class LSTMTagger(nn.Module):
    def __init__(self, embedding_dim, hidden_dim, vocab_size, tagset_size):
        super(LSTMTagger, self).__init__()
        self.word_embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, batch_first=True)
        self.hidden2tag = nn.Linear(hidden_dim, tagset_size)

    def forward(self, sentences):
        lstm_out, _ = self.lstm(self.word_embeddings(sentences))
        return self.hidden2tag(lstm_out)


model = LSTMTagger(12, 24, len(word_to_ix), len(tag_to_ix))
loss_function = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.5)

for epoch in range(150):
    x, y = prepare([sentence() for _ in range(16)])
    model.zero_grad()
    tag_scores = model(x)
    loss = loss_function(tag_scores, y)  # HERE
    loss.backward()
    optimizer.step()
    if epoch % 30 == 0:
        print(epoch, loss.item())
