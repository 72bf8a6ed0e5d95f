"""Knowledge distillation: a two-layer LSTM teaches a small GRU to predict the next character."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(18)

text = "she sells sea shells by the sea shore the shells she sells are sea shells i am sure " * 15
vocab = sorted(set(text))
ids = torch.tensor([vocab.index(c) for c in text])
V = len(vocab)


class Net(nn.Module):
    def __init__(self, core, dim, hid):
        super().__init__()
        self.emb = nn.Embedding(V, dim)
        self.core = core(dim, hid, batch_first=True)
        self.out = nn.Linear(hid, V)

    def forward(self, x):
        return self.out(self.core(self.emb(x))[0])


def get(n=12, t=18):
    s = torch.randint(0, len(ids) - t - 1, (n,))
    w = torch.stack([ids[i:i + t + 1] for i in s])
    return w[:, :-1], w[:, 1:]


def hard_loss(logits, y):
    return F.cross_entropy(logits.reshape(-1, V), y.reshape(-1))


def soft_loss(student, teacher, temp):
    p = F.softmax(teacher / temp, -1)
    logq = F.log_softmax(student / temp, -1)
    return F.kl_div(logq.flatten(0, 1), p.flatten(0, 1), reduction="batchmean") * temp ** 2


teacher = Net(lambda i, h, **k: nn.LSTM(i, h, num_layers=2, **k), 24, 64)
opt = torch.optim.Adam(teacher.parameters(), lr=6e-3)
for i in range(170):
    x, y = get()
    loss = hard_loss(teacher(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 50 == 0 or i == 169:
        print(f"teacher {i:3d} {loss.item():.3f}")

teacher.eval()
for p in teacher.parameters():
    p.requires_grad_(False)

student = Net(nn.GRU, 12, 24)
opt = torch.optim.Adam(student.parameters(), lr=8e-3)
for i in range(220):
    x, y = get()
    with torch.no_grad():
        target = teacher(x)
    logits = student(x)
    loss = 0.7 * soft_loss(logits, target, 2.0) + 0.3 * hard_loss(logits, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 50 == 0 or i == 219:
        print(f"student {i:3d} {loss.item():.3f} (hard {hard_loss(logits, y).item():.3f})")
