"""LSTM autoencoder for short strings. The loss is the sum over all characters, so it starts in the hundreds;
the decoder gets the code at each step and no earlier characters."""
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(24)

SYL = ["ka", "to", "mi", "re", "su", "no"]
letters = sorted(set("".join(SYL)))
L2I = {c: i for i, c in enumerate(letters)}


def words(n):
    pick = torch.randint(0, len(SYL), (n, 3))
    return torch.tensor([[L2I[c] for k in row for c in SYL[k]] for row in pick.tolist()])


class AutoEncoder(nn.Module):
    def __init__(self, v, dim=16, hid=64, code=16):
        super().__init__()
        self.emb = nn.Embedding(v, dim)
        self.enc = nn.LSTM(dim, hid, batch_first=True)
        self.to_code = nn.Linear(hid, code)
        self.dec = nn.LSTM(code, hid, batch_first=True)
        self.out = nn.Linear(hid, v)

    def forward(self, x):
        _, (h, _) = self.enc(self.emb(x))
        z = torch.tanh(self.to_code(h[-1]))
        y, _ = self.dec(z.unsqueeze(1).expand(-1, x.size(1), -1))
        return self.out(y)


model = AutoEncoder(len(letters))
opt = torch.optim.Adam(model.parameters(), lr=8e-3)
criterion = nn.CrossEntropyLoss(reduction="sum")

for step in range(1, 261):
    x = words(32)
    loss = criterion(model(x).transpose(1, 2), x)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 50.0)
    opt.step()
    if step % 40 == 0:
        print(f"step {step} summed loss {loss.item():.1f}")

model.eval()
with torch.no_grad():
    x = words(5)
    r = model(x).argmax(-1)
for a, b in zip(x, r):
    print("".join(letters[i] for i in a), "->", "".join(letters[i] for i in b))
