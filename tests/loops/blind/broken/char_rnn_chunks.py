# FAULT: state-of-another-text
# In words: every chunk is cut from a random place of the text, yet the hidden state left over from the chunk before is fed in as if the two followed each other
import random
import torch
import torch.nn as nn

random.seed(5)
torch.manual_seed(5)
torch.set_num_threads(1)

file = ''.join(random.choice(['a ship came in ', 'the harbour slept ', 'gulls cried over the mole; ',
                              'two men hauled rope. ', 'nobody spoke, ', 'it rained on the deck. '])
               for _ in range(600))
all_characters = ''.join(sorted(set(file)))
chunk_len, hidden_size, batch_size = 32, 56, 12


def char_tensor(string):
    return torch.tensor([all_characters.index(c) for c in string])


def random_training_set():
    inp, target = [], []
    for _ in range(batch_size):
        start = random.randint(0, len(file) - chunk_len - 2)
        chunk = file[start:start + chunk_len + 1]
        inp.append(char_tensor(chunk[:-1]))
        target.append(char_tensor(chunk[1:]))
    return torch.stack(inp), torch.stack(target)


class CharRNN(nn.Module):
    def __init__(self, n_chars, hidden_size):
        super().__init__()
        self.encoder = nn.Embedding(n_chars, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.decoder = nn.Linear(hidden_size, n_chars)

    def forward(self, x, hidden):
        out, hidden = self.gru(self.encoder(x), hidden)
        return self.decoder(out), hidden

    def init_hidden(self):
        return torch.zeros(1, batch_size, hidden_size)


decoder = CharRNN(len(all_characters), hidden_size)
decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=0.003)
criterion = nn.CrossEntropyLoss()
loss_avg = 0

hidden = decoder.init_hidden()
for step in range(1, 201):
    inp, target = random_training_set()
    decoder.zero_grad()
    output, hidden = decoder(inp, hidden.detach())  # HERE
    loss = criterion(output.reshape(-1, len(all_characters)), target.reshape(-1))
    loss.backward()
    decoder_optimizer.step()
    loss_avg += loss.item()
    if step % 40 == 0:
        print('step %d loss %.4f' % (step, loss_avg / 40))
        loss_avg = 0
