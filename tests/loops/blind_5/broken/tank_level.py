# FAULT: state-of-another-text
#
# Water level in a set of tanks. We only see the valve signal u(t); the level itself
# is u accumulated, limited by the bottom and the rim.  Streams are long, so
# we train with truncated BPTT and keep the state in the model.
import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(11)
rng = np.random.default_rng(11)


def simulate(n_tanks, steps):
    u = rng.normal(0, 0.25, size=(n_tanks, steps)).astype(np.float32)
    level = np.zeros_like(u)
    cur = np.zeros(n_tanks, dtype=np.float32)
    for t in range(steps):
        cur = np.clip(cur + u[:, t], -1.0, 1.0)
        level[:, t] = cur
    return torch.from_numpy(u)[..., None] * 3, torch.from_numpy(level)


class LevelObserver(nn.Module):
    def __init__(self, h=48):
        super().__init__()
        self.gru = nn.GRU(1, h, batch_first=True)
        self.head = nn.Linear(h, 1)
        self.state = None

    def reset(self):
        self.state = None

    def forward(self, u):
        y, s = self.gru(u, self.state)
        self.state = s.detach()
        return self.head(y)[..., 0]


WIN = 10
TANKS = 24
train_u, train_l = simulate(TANKS, 600)
val_u, val_l = simulate(TANKS, 80)

model = LevelObserver()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
mse = nn.MSELoss()


def validate():
    model.eval()
    model.reset()
    errs = []
    with torch.no_grad():
        for a in range(0, val_u.shape[1], WIN):
            errs.append(mse(model(val_u[:, a:a + WIN]), val_l[:, a:a + WIN]).item())
    model.train()
    return float(np.mean(errs)) ** 0.5


print("val rmse untrained: %.3f" % validate())
for epoch in range(12):
    model.reset()
    losses = []
    for k, a in enumerate(range(0, train_u.shape[1], WIN)):
        loss = mse(model(train_u[:, a:a + WIN]), train_l[:, a:a + WIN])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        opt.step()
        losses.append(loss.item())
        if k % 2 == 1:
            v = validate()
    print("epoch %2d   train rmse %.3f   val rmse %.3f" % (epoch, np.mean(losses) ** 0.5, v))
