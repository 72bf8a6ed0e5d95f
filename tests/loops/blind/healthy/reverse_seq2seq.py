import random
import torch
import torch.nn as nn
from torch import optim
import torch.nn.functional as F

random.seed(6)
torch.manual_seed(6)
torch.set_num_threads(1)
SOS_token, EOS_token, LETTERS, MAX_LENGTH = 0, 1, 'abcdefgh', 5
teacher_forcing_ratio = 0.5


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super(EncoderRNN, self).__init__()
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)

    def forward(self, input):
        return self.gru(self.embedding(input))


class DecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super(DecoderRNN, self).__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden):
        output, hidden = self.gru(F.relu(self.embedding(input)), hidden)
        return self.out(output[:, 0]), hidden


def batch(n=24):
    src = torch.randint(2, 2 + len(LETTERS), (n, MAX_LENGTH))
    tgt = torch.cat([src.flip(1), torch.full((n, 1), EOS_token)], dim=1)
    return src, tgt


def train(src, tgt, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion):
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    _, hidden = encoder(src)
    decoder_input = torch.full((len(src), 1), SOS_token)
    use_teacher_forcing = random.random() < teacher_forcing_ratio
    loss = 0
    for di in range(tgt.size(1)):
        output, hidden = decoder(decoder_input, hidden)
        loss += criterion(output, tgt[:, di])
        if use_teacher_forcing:
            decoder_input = tgt[:, di:di + 1]
        else:
            decoder_input = output.topk(1)[1].detach()  # own guess as the next input
    loss.backward()
    encoder_optimizer.step()
    decoder_optimizer.step()
    return loss.item() / tgt.size(1)


encoder, decoder = EncoderRNN(2 + len(LETTERS), 64), DecoderRNN(64, 2 + len(LETTERS))
enc_opt, dec_opt = optim.Adam(encoder.parameters(), lr=4e-3), optim.Adam(decoder.parameters(), lr=4e-3)
total = 0
for it in range(1, 281):
    total += train(*batch(), encoder, decoder, enc_opt, dec_opt, nn.CrossEntropyLoss())
    if it % 40 == 0:
        print('%d %.4f' % (it, total / 40))
        total = 0
