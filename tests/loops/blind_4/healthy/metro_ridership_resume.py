"""Ridership GRU trained in three sessions: after each one the job 'stops' and goes on from a checkpoint.
Cosine annealing with warm restarts, EMA weights for evaluation, a gradient hook that counts clipped entries."""
import copy
import io
import math
import torch
import torch.nn as nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

torch.manual_seed(60)
torch.set_num_threads(1)

hours = torch.arange(2600).float()
rush = torch.exp(-((hours % 24 - 8) ** 2) / 4) + 0.8 * torch.exp(-((hours % 24 - 18) ** 2) / 5)
weekend = ((hours // 24) % 7 >= 5).float()
riders = rush * (1 - 0.6 * weekend) + 0.05 * torch.sin(2 * math.pi * hours / 700) + 0.05 * torch.randn(2600)
riders = (riders - riders.mean()) / riders.std()
features = torch.stack([riders, weekend], 1)

LOOK = 30
X = features.unfold(0, LOOK, 1)[:-1].transpose(1, 2).contiguous()
Y = riders[LOOK:]
N_TRAIN = 2000


class RiderGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(2, 28, batch_first=True)
        self.fc = nn.Linear(28, 1)

    def forward(self, x):
        return self.fc(self.gru(x)[0][:, -1]).squeeze(-1)


def fresh():
    model = RiderGRU()
    opt = torch.optim.Adam(model.parameters(), lr=8e-3)
    sched = CosineAnnealingWarmRestarts(opt, T_0=50, T_mult=2, eta_min=1e-4)
    return model, copy.deepcopy(model).requires_grad_(False), opt, sched


def save(model, ema, opt, sched, step):
    buf = io.BytesIO()
    torch.save({"model": model.state_dict(), "ema": ema.state_dict(), "opt": opt.state_dict(),
                "sched": sched.state_dict(), "step": step}, buf)
    buf.seek(0)
    return buf


checkpoint = None
for session in range(3):
    model, ema, opt, sched = fresh()
    step = 0
    if checkpoint is not None:
        ck = torch.load(checkpoint)
        model.load_state_dict(ck["model"])
        ema.load_state_dict(ck["ema"])
        opt.load_state_dict(ck["opt"])
        sched.load_state_dict(ck["sched"])
        step = ck["step"]
    clipped = [0]

    def clamp_grad(g):
        clipped[0] += int((g.abs() > 0.5).sum())
        return g.clamp(-0.5, 0.5)

    for p in model.parameters():
        p.register_hook(clamp_grad)
    model.train()
    for _ in range(130):
        idx = torch.randint(0, N_TRAIN, (40,))
        loss = nn.functional.mse_loss(model(X[idx]), Y[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        with torch.no_grad():
            for pe, p in zip(ema.parameters(), model.parameters()):
                pe.lerp_(p, 0.03)
        step += 1
        if step % 26 == 0:
            with torch.no_grad():
                v = nn.functional.mse_loss(ema(X[N_TRAIN:]), Y[N_TRAIN:]).item()
            print(f"session {session} step {step} lr {sched.get_last_lr()[0]:.4f} loss {loss.item():.4f} ema val {v:.4f} clipped {clipped[0]}")
    checkpoint = save(model, ema, opt, sched, step)
