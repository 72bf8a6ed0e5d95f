# Part 1 trains a small net on blobs; part 2 keeps the net fixed and optimises an *input* towards a wrong class.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(12)

centers = torch.randn(5, 20) * 1.5
def blobs(n):
    y = torch.randint(0, 5, (n,))
    return centers[y] + torch.randn(n, 20), y

# ---- part 1 -----------------------------------------------------------------
net = nn.Sequential(nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 5))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
for step in range(150):
    x, y = blobs(64)
    loss = F.cross_entropy(net(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 30 == 0:
        print("net step", step, "loss", round(loss.item(), 3))

net.eval()
net.requires_grad_(False)
with torch.no_grad():
    x, y = blobs(500)
    print("test accuracy", (net(x).argmax(1) == y).float().mean().item())

# ---- part 2 -----------------------------------------------------------------
x0, y0 = blobs(1)
goal = (y0 + 1) % 5
delta = torch.zeros_like(x0, requires_grad=True)
attack = torch.optim.Adam([delta], lr=0.02)
for step in range(150):
    logits = net(x0 + delta)
    loss = F.cross_entropy(logits, goal) + 0.05 * delta.pow(2).sum()
    attack.zero_grad()
    loss.backward()
    attack.step()
    if step % 30 == 0 or step == 149:
        print("attack step", step, "loss", round(loss.item(), 3), "p(goal)", round(logits.softmax(1)[0, goal].item(), 3))
print("was", y0.item(), "now", net(x0 + delta).argmax(1).item(), "size of change", delta.norm().item())
