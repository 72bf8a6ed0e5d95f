# FAULT: no-gradient
import torch
import torch.nn as nn
import torch.optim as optim

# seq2seq toy: read 7 digits, write them backwards
torch.manual_seed(42)
torch.set_num_threads(1)

SOS = 10
LEN = 7
device = torch.device("cpu")


class Encoder(nn.Module):
    def __init__(self, hidden_dim):
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        self.rnn = nn.GRU(16, hidden_dim, batch_first=True)

    def forward(self, src):
        _, hidden = self.rnn(self.embedding(src))
        return hidden


class Decoder(nn.Module):
    def __init__(self, hidden_dim):
        super().__init__()
        self.embedding = nn.Embedding(11, 16)
        self.rnn = nn.GRU(16, hidden_dim, batch_first=True)
        self.fc_out = nn.Linear(hidden_dim, 10)

    def forward(self, tokens, hidden):
        out, hidden = self.rnn(self.embedding(tokens), hidden)
        return self.fc_out(out), hidden


class Seq2Seq(nn.Module):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, src, trg):
        hidden = self.encoder(src).detach()  # HERE
        sos = torch.full((src.size(0), 1), SOS, dtype=torch.long, device=src.device)
        dec_in = torch.cat([sos, trg[:, :-1]], dim=1)
        logits, _ = self.decoder(dec_in, hidden)
        return logits

    @torch.no_grad()
    def translate(self, src):
        hidden = self.encoder(src)
        tok = torch.full((src.size(0), 1), SOS, dtype=torch.long, device=src.device)
        result = []
        for _ in range(LEN):
            logits, hidden = self.decoder(tok, hidden)
            tok = logits.argmax(-1)
            result.append(tok)
        return torch.cat(result, dim=1)


def batch(n=64):
    src = torch.randint(0, 10, (n, LEN), device=device)
    return src, src.flip(1)


model = Seq2Seq(Encoder(64), Decoder(64)).to(device)
optimizer = optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.CrossEntropyLoss()

for it in range(1, 1001):
    model.train()
    src, trg = batch()
    optimizer.zero_grad()
    output = model(src, trg)
    loss = criterion(output.reshape(-1, 10), trg.reshape(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    if it % 200 == 0:
        model.eval()
        src, trg = batch(500)
        hyp = model.translate(src)
        print(f"{it:5d} | loss {loss.item():.3f} | digit acc {(hyp == trg).float().mean():.3f} | "
              f"sequence acc {(hyp == trg).all(1).float().mean():.3f}")

model.eval()
src, trg = batch(3)
for s, h in zip(src.tolist(), model.translate(src).tolist()):
    print(s, "->", h)
