"""BYOL-style self-supervision on 1-D patterns: online net + predictor, EMA target without gradients,
and a linear probe every now and then."""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(88)
torch.set_num_threads(1)

C, D = 6, 40
protos = torch.randn(C, D)


def draw(n):
    y = torch.randint(0, C, (n,))
    return protos[y] + 2.2 * torch.randn(n, D), y


def augment(x):
    keep = (torch.rand_like(x) > 0.25).float()
    return x * keep * (0.8 + 0.4 * torch.rand(len(x), 1)) + 0.2 * torch.randn_like(x)


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(D, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 32))
        self.projector = nn.Sequential(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 16))

    def forward(self, x):
        return self.projector(self.encoder(x))


online = Branch()
predictor = nn.Sequential(nn.Linear(16, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 16))
target = copy.deepcopy(online)
target.requires_grad_(False)
optimizer = torch.optim.AdamW(list(online.parameters()) + list(predictor.parameters()), lr=2e-3, weight_decay=1e-4)
train_x, _ = draw(2000)


def regress(p, z):
    return 2 - 2 * F.cosine_similarity(p, z, dim=1).mean()


def probe():
    online.eval()
    xs, ys = draw(400)
    xt, yt = draw(400)
    with torch.no_grad():
        fs, ft = online.encoder(xs), online.encoder(xt)
    online.train()
    clf = nn.Linear(32, C)
    opt = torch.optim.Adam(clf.parameters(), lr=5e-2)
    for _ in range(40):
        loss = F.cross_entropy(clf(fs), ys)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return (clf(ft).argmax(1) == yt).float().mean().item(), ft.std(0).mean().item()


print("probe at start %.3f, feature spread %.3f" % probe())
for step in range(1, 601):
    x = train_x[torch.randint(0, len(train_x), (64,))]
    a, b = augment(x), augment(x)
    with torch.no_grad():
        za, zb = target(a), target(b)
    loss = regress(predictor(online(a)), zb) + regress(predictor(online(b)), za)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    tau = 0.98
    with torch.no_grad():
        for po, pt in zip(online.parameters(), target.parameters()):
            pt.lerp_(po, 1 - tau)
        for bo, bt in zip(online.buffers(), target.buffers()):
            bt.copy_(bo)
    if step % 100 == 0:
        print(f"step {step} loss {loss.item():.4f} probe %.3f spread %.3f" % probe())
