# FAULT: targets-are-inputs
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
rng = np.random.default_rng(99)
torch.manual_seed(99)

# --- a small made-up language -------------------------------------------------
onsets, vowels, codas = list("bdgklmprst"), list("aeiou"), list("nrsl")
def word():
    w = ""
    for _ in range(rng.integers(1, 4)):
        w += rng.choice(onsets) + rng.choice(vowels)
    return w + rng.choice(codas)
text = " ".join(word() for _ in range(4000))
itos = sorted(set(text))
stoi = {c: i for i, c in enumerate(itos)}
ids = np.array([stoi[c] for c in text], dtype=np.int64)
V, B, T = len(itos), 32, 24

def make_batch():
    starts = rng.integers(0, len(ids) - T - 1, size=B)
    x = np.stack([ids[s:s + T + 1] for s in starts])
    y = x  # HERE
    y[:, :-1] = x[:, 1:]
    return torch.from_numpy(x[:, :T]), torch.from_numpy(y[:, :T])

class Model(nn.Module):
    def __init__(self, n_embd=24, n_hidden=64):
        super().__init__()
        self.wte = nn.Embedding(V, n_embd)
        self.rnn = nn.GRU(n_embd, n_hidden, batch_first=True)
        self.lm_head = nn.Linear(n_hidden, V)
    def forward(self, idx, targets=None, h=None):
        z, h = self.rnn(self.wte(idx), h)
        logits = self.lm_head(z)
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, V), targets.reshape(-1))
        return logits, loss, h

@torch.no_grad()
def sample(model, n=60):
    idx, h, out = torch.tensor([[stoi[" "]]]), None, []
    for _ in range(n):
        logits, _, h = model(idx, h=h)
        idx = torch.multinomial(logits[:, -1].softmax(-1), 1)
        out.append(itos[idx.item()])
    return "".join(out)

model = Model()
print(f"{sum(p.numel() for p in model.parameters())} parameters, vocab {V}")
opt = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
lossi = []
for i in range(300):
    xb, yb = make_batch()
    _, loss, _ = model(xb, yb)
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    lossi.append(loss.item())
    if i % 50 == 49:
        print(f"{i + 1:4d}: {np.mean(lossi[-50:]):.4f} | {sample(model)}")
