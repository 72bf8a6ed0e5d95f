"""Stage 1: language model on unlabelled strings. Stage 2: encoder frozen, only a small head is trained for classification."""
import torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(77)
g = torch.Generator().manual_seed(77)

A = 8  # alphabet
T = 16
# two Markov chains = two classes
chains = torch.softmax(2.5 * torch.randn(2, A, A, generator=g), -1)

def sample(n):
    y = torch.randint(0, 2, (n,), generator=g)
    x = torch.randint(0, A, (n, 1), generator=g)
    for _ in range(T - 1):
        x = torch.cat([x, torch.multinomial(chains[y, x[:, -1]], 1, generator=g)], 1)
    return x, y

class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(A, 16)
        self.lstm = nn.LSTM(16, 32, batch_first=True)
    def forward(self, x):
        out, (h, _) = self.lstm(self.emb(x))
        return out, h[-1]

encoder = Encoder()
lm_head = nn.Linear(32, A)
ce = nn.CrossEntropyLoss()

print("stage 1")
opt = torch.optim.Adam([*encoder.parameters(), *lm_head.parameters()], lr=5e-3)
for i in range(200):
    x, _ = sample(32)
    out, _ = encoder(x[:, :-1])
    loss = ce(lm_head(out).reshape(-1, A), x[:, 1:].reshape(-1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 40 == 0 or i == 199:
        print(f"  {i:3d} lm loss {loss.item():.3f}")

print("stage 2")
for p in encoder.parameters():
    p.requires_grad_(False)
encoder.eval()
clf = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 2))
opt = torch.optim.Adam(clf.parameters(), lr=3e-3)
x_test, y_test = sample(500)
for i in range(200):
    x, y = sample(32)
    clf.train()
    with torch.no_grad():
        _, features = encoder(x)
    loss = ce(clf(features), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 40 == 0 or i == 199:
        clf.eval()
        with torch.no_grad():
            acc = (clf(encoder(x_test)[1]).argmax(1) == y_test).float().mean().item()
        print(f"  {i:3d} class loss {loss.item():.3f} test acc {acc:.3f}")
