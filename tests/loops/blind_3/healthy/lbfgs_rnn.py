"""Full-batch L-BFGS training of a small vanilla RNN on a damped oscillation (fixed data, closure)."""
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(15)

t = torch.linspace(0, 30, 240)
signal = torch.exp(-t / 40) * torch.cos(1.3 * t) + 0.25 * torch.sin(3.1 * t)
rows = signal.unfold(0, 25, 12).unsqueeze(-1)
x, y = rows[:, :-1], rows[:, 1:]


class OscillatorRNN(nn.Module):
    def __init__(self, n=10):
        super().__init__()
        self.rnn = nn.RNN(1, n, batch_first=True)
        self.lin = nn.Linear(n, 1)

    def forward(self, u):
        h, _ = self.rnn(u)
        return self.lin(h)


net = OscillatorRNN()
loss_fn = nn.MSELoss()
lbfgs = torch.optim.LBFGS(net.parameters(), lr=0.8, max_iter=2, history_size=10)
evaluations = 0


def closure():
    global evaluations
    evaluations += 1
    lbfgs.zero_grad()
    loss = loss_fn(net(x), y)
    loss.backward()
    return loss


first = loss_fn(net(x), y).item()
for it in range(160):
    loss = lbfgs.step(closure)
    if it % 20 == 0:
        print(f"{it:3d}: {loss.item():.6f}")
with torch.no_grad():
    last = loss_fn(net(x), y).item()
print(f"mse {first:.4f} -> {last:.6f} in {evaluations} evaluations")
