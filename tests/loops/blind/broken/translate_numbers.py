# FAULT: loss-without-its-graph
# In words: the decoder losses are taken out as floats and a new tensor is made from their mean; it has requires_grad but no connection to the model
import random
import torch
import torch.nn as nn

random.seed(8)
torch.manual_seed(8)
torch.set_num_threads(1)
SOS, EOS = 0, 1
ENG = 'zero one two three four five six seven eight nine'.split()
FRA = 'zero un deux trois quatre cinq six sept huit neuf'.split()


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def forward(self, input):
        return self.gru(self.embedding(input).unsqueeze(1))


class DecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, token, hidden):
        output, hidden = self.gru(self.embedding(token).view(1, 1, -1), hidden)
        return self.out(output[0]), hidden


def pair():
    digits = [random.randrange(10) for _ in range(random.randint(2, 4))]
    src = torch.tensor([d + 2 for d in digits] + [EOS])
    tgt = torch.tensor([d + 2 for d in reversed(digits)] + [EOS])
    return src, tgt, ' '.join(ENG[d] for d in digits), ' '.join(FRA[d] for d in reversed(digits))


encoder, decoder = EncoderRNN(12, 48), DecoderRNN(48, 12)
encoder_optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
decoder_optimizer = torch.optim.Adam(decoder.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()


def train(src, tgt):
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    _, hidden = encoder(src)
    token, losses = torch.tensor(SOS), []
    for t in range(len(tgt)):
        output, hidden = decoder(token, hidden)
        losses.append(criterion(output, tgt[t:t + 1]).item())
        token = tgt[t]                                   # teacher forcing
    loss = torch.tensor(losses, requires_grad=True).mean()  # HERE
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    return loss.item()


total = 0
for it in range(1, 601):
    src, tgt, eng, fra = pair()
    total += train(src, tgt)
    if it % 100 == 0:
        print(f'({it} / 600) {total / 100:.4f}   {eng} -> {fra}')
        total = 0
