# FAULT: targets-shifted
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(7)

rhyme = ("twinkle twinkle little star how i wonder what you are up above the world so high "
         "like a diamond in the sky when the blazing sun is gone when he nothing shines upon ") * 12
itos = sorted(set(rhyme)); stoi = {c: i for i, c in enumerate(itos)}
ids = torch.tensor([stoi[c] for c in rhyme])
V, T, B = len(itos), 24, 16

n_rows = len(ids) // T
inputs = ids[: n_rows * T].view(n_rows, T)
targets = torch.roll(ids, shifts=1)[: n_rows * T].view(n_rows, T)  # HERE


class RhymeGRU(nn.Module):
    def __init__(self, v, d=32, h=64):
        super().__init__()
        self.emb = nn.Embedding(v, d)
        self.gru = nn.GRU(d, h, batch_first=True)
        self.norm = nn.LayerNorm(h)
        self.lm = nn.Linear(h, v)

    def forward(self, x, h=None):
        y, h = self.gru(self.emb(x), h)
        return self.lm(self.norm(y)), h

    @torch.no_grad()
    def write(self, prompt, n):
        h = None
        x = torch.tensor([[stoi[c] for c in prompt]])
        out = prompt
        for _ in range(n):
            logits, h = self(x, h)
            x = torch.distributions.Categorical(logits=logits[:, -1]).sample()[:, None]
            out += itos[x.item()]
        return out


model = RhymeGRU(V)
opt = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)

step = 0
while step < 180:
    for rows in torch.randperm(n_rows).split(B):
        logits, _ = model(inputs[rows])
        loss = F.cross_entropy(logits.reshape(-1, V), targets[rows].reshape(-1))
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        step += 1
        if step % 60 == 0:
            print(f"{step:4d} | {loss.item():.3f} | {model.write('the ', 24)!r}")
        if step >= 180:
            break
