# FAULT: state-thrown-away
# Long logs of 32 machines.  Rare "start" / "stop" events switch a machine on or off;
# at each tick we want the probability that the machine is on.  The logs are read
# in order, WINDOW ticks at a time.
import torch
from torch import nn
import torch.nn.functional as F

torch.manual_seed(5)
torch.set_num_threads(1)

MACHINES, TICKS, WINDOW = 32, 2400, 24


def make_logs(n, ticks):
    ev = torch.zeros(n, ticks, 3)
    on = torch.zeros(n, ticks)
    state = torch.randint(0, 2, (n,)).float()
    for t in range(ticks):
        fire = torch.rand(n) < 0.012
        new = torch.randint(0, 2, (n,)).float()
        ev[:, t, 0] = (fire & (new == 1)).float()
        ev[:, t, 1] = (fire & (new == 0)).float()
        ev[:, t, 2] = torch.randn(n) * 0.5
        state = torch.where(fire, new, state)
        on[:, t] = state
    return ev, on


class Monitor(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, x, state=None):
        y, state = self.rnn(x, state)
        return self.head(y).squeeze(-1), state


events, labels = make_logs(MACHINES, TICKS)
net = Monitor()
opt = torch.optim.RMSprop(net.parameters(), lr=2e-3)

step = 0
for epoch in range(7):
    running, right, seen = 0.0, 0, 0
    state = None
    for start in range(0, TICKS, WINDOW):
        xb = events[:, start:start + WINDOW]
        yb = labels[:, start:start + WINDOW]
        state = None  # HERE
        logit, state = net(xb, state)
        loss = F.binary_cross_entropy_with_logits(logit, yb)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        running += loss.item()
        right += ((logit > 0).float() == yb).sum().item()
        seen += yb.numel()
        step += 1
    print(f"epoch {epoch}  step {step}  loss {running / (TICKS // WINDOW):.4f}  acc {right / seen:.3f}")
