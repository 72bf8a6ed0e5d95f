"""Seven-segment digits with noise: an MLP, and a copy of it that averages its weights."""

import copy

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812

torch.manual_seed(17)
torch.set_num_threads(1)

SEVEN = """1110111 0010010 1011101 1011011 0111010
           1101011 1101111 1010010 1111111 1111011"""
SEGMENTS = torch.tensor([[float(bit) for bit in pattern] for pattern in SEVEN.split()])


def digits(n):
    labels = torch.randint(0, 10, (n,))
    return SEGMENTS[labels] + 0.2 * torch.randn(n, 7), labels


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(7, 64)
        self.drop = nn.Dropout(0.1)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc2(self.drop(F.relu(self.fc1(x))))


class EMA:
    def __init__(self, model, decay=0.98):
        self.model = copy.deepcopy(model).eval()
        self.decay = decay
        for p in self.model.parameters():
            p.requires_grad_(False)

    @torch.no_grad()
    def update(self, model):
        for mine, theirs in zip(self.model.parameters(), model.parameters(), strict=True):
            mine.lerp_(theirs, 1 - self.decay)


def accuracy(net, x, y):
    was_training = net.training
    net.eval()
    with torch.no_grad():
        result = (net(x).argmax(1) == y).float().mean().item()
    net.train(was_training)
    return result


model = MLP()
ema = EMA(model)
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
test_x, test_y = digits(500)

for step in range(601):
    x, y = digits(32)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema.update(model)
    if step % 150 == 0:
        print(
            f"step {step}: loss {loss.item():.3f}, test {accuracy(model, test_x, test_y):.3f}, "
            f"averaged {accuracy(ema.model, test_x, test_y):.3f}"
        )
