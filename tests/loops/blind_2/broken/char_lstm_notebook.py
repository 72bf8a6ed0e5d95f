# FAULT: state-not-detached
# %% [markdown]
# Shakespeare-ish char model, following a blog post
# %%
import random
import torch
import torch.nn as nn
torch.set_num_threads(1)
torch.manual_seed(42)
random.seed(42)

subj = ["the king", "a fool", "my lord", "the queen"]
verb = ["loves", "hates", "calls", "follows"]
text = ". ".join(f"{random.choice(subj)} {random.choice(verb)} {random.choice(subj)}" for _ in range(900))
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])
print(len(text), "chars,", len(chars), "unique")

# %%
class CharLSTM(nn.Module):
    def __init__(self, vocab, hidden=64):
        super().__init__()
        self.hidden = hidden
        self.emb = nn.Embedding(vocab, 32)
        self.lstm = nn.LSTM(32, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, vocab)

    def forward(self, x, state):
        out, state = self.lstm(self.emb(x), state)
        return self.fc(out), state

    def fresh(self, b):
        return (torch.zeros(1, b, self.hidden), torch.zeros(1, b, self.hidden))

# %%
B, T = 16, 20
n = (len(data) - 1) // B
xs = data[:n * B].view(B, n)
ys = data[1:n * B + 1].view(B, n)

model = CharLSTM(len(chars))
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
crit = nn.CrossEntropyLoss()

for epoch in range(4):
    h, c = model.fresh(B)
    total, k = 0.0, 0
    for i in range(0, n - T, T):
        opt.zero_grad()
        logits, (h, c) = model(xs[:, i:i + T], (h, c))
        loss = crit(logits.reshape(-1, len(chars)), ys[:, i:i + T].reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        h, c = h.detach(), c  # HERE
        total += loss.item()
        k += 1
    print(f"epoch {epoch}: {total / k:.4f}")
