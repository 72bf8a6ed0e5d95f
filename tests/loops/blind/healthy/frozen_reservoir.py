"""Echo-state style: the recurrent layer is random and frozen, only the readout learns."""
import torch
import torch.nn as nn

torch.manual_seed(14)
torch.set_num_threads(1)


class EchoState(nn.Module):
    def __init__(self, size=120):
        super().__init__()
        self.reservoir = nn.RNN(1, size, batch_first=True)
        with torch.no_grad():
            w = torch.randn(size, size)
            self.reservoir.weight_hh_l0.copy_(0.9 * w / torch.linalg.eigvals(w).abs().max())
            self.reservoir.weight_ih_l0.uniform_(-0.5, 0.5)
        for p in self.reservoir.parameters():
            p.requires_grad = False
        self.readout = nn.Linear(size, 1)

    def forward(self, x):
        with torch.no_grad():
            states, _ = self.reservoir(x)
        return self.readout(states)


def filtered(n, steps=50):
    u = torch.rand(n, steps) * 0.5
    y = torch.zeros(n, steps)
    for t in range(2, steps):
        y[:, t] = torch.tanh(0.6 * y[:, t - 1] + u[:, t - 1] ** 3 + 0.8 * u[:, t - 2])
    return u.unsqueeze(-1), y.unsqueeze(-1)


model = EchoState()
trainable = [p for p in model.parameters() if p.requires_grad]
print(sum(p.numel() for p in trainable), 'of', sum(p.numel() for p in model.parameters()), 'weights are trained')
optimizer = torch.optim.Adam(trainable, lr=5e-3)
for step in range(251):
    x, y = filtered(16)
    loss = nn.functional.mse_loss(model(x)[:, 10:], y[:, 10:])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 50 == 0:
        print(step, loss.item())
