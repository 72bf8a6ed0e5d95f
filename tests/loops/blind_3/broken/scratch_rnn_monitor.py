# FAULT: losses-kept
import resource
import torch

torch.set_num_threads(1)
torch.manual_seed(0)

# ---- adding problem: two marked numbers in a noisy sequence -----------------
T, H, B = 14, 64, 32


def adding(n):
    v = torch.rand(n, T)
    m = torch.zeros(n, T)
    first = torch.randint(0, T // 2, (n,))
    second = torch.randint(T // 2, T, (n,))
    r = torch.arange(n)
    m[r, first] = 1.0
    m[r, second] = 1.0
    return torch.stack([v, m], -1), (v * m).sum(1, keepdim=True)


# ---- a minimal gated cell written by hand -----------------------------------
def mat(*shape):
    return torch.nn.Parameter(torch.randn(*shape) / shape[0] ** 0.5)


P = {
    "Wz": mat(2, H), "Uz": mat(H, H), "bz": torch.nn.Parameter(torch.full((H,), 2.0)),
    "Wc": mat(2, H), "Uc": mat(H, H), "bc": torch.nn.Parameter(torch.zeros(H)),
    "Wo": mat(H, 1), "bo": torch.nn.Parameter(torch.zeros(1)),
}


def forward(x):
    h = torch.zeros(x.shape[0], H)
    for t in range(T):
        z = torch.sigmoid(x[:, t] @ P["Wz"] + h @ P["Uz"] + P["bz"])
        c = torch.tanh(x[:, t] @ P["Wc"] + h @ P["Uc"] + P["bc"])
        h = z * h + (1 - z) * c
    return h @ P["Wo"] + P["bo"]


def mse(x, y):
    return ((forward(x) - y) ** 2).mean()


opt = torch.optim.Adam(P.values(), lr=3e-3)
xv, yv = adding(256)
train_curve, val_curve = [], []

for step in range(180):
    x, y = adding(B)
    opt.zero_grad()
    loss = mse(x, y)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(P.values(), 1.0)
    opt.step()
    train_curve.append(loss.item())
    if step % 4 == 0:
        val_curve.append(mse(xv, yv))  # HERE
    if step % 30 == 29:
        mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        recent = sum(val_curve[-5:]) / 5
        print(f"{step + 1:4d}  train {sum(train_curve[-20:]) / 20:.4f}  val {recent:.4f}  memory {mb:.0f} MB")
