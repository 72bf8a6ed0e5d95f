# FAULT: clipped-without-gradient
import argparse
import torch
import torch.nn as nn

parser = argparse.ArgumentParser(description="The adding problem with an identity-initialised ReLU RNN (IRNN)")
parser.add_argument("--length", type=int, default=20)
parser.add_argument("--hidden", type=int, default=64)
parser.add_argument("--batch", type=int, default=50)
parser.add_argument("--steps", type=int, default=1200)
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--clip", type=float, default=1.0)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()

torch.manual_seed(args.seed)
torch.set_num_threads(1)


def adding_batch(n, length):
    values = torch.rand(n, length)
    marks = torch.zeros(n, length)
    first = torch.randint(0, length // 2, (n,))
    second = torch.randint(length // 2, length, (n,))
    rows = torch.arange(n)
    marks[rows, first] = 1.0
    marks[rows, second] = 1.0
    target = (values * marks).sum(1, keepdim=True)
    return torch.stack([values, marks], dim=2), target


class IRNN(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
        self.readout = nn.Linear(hidden, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)
        nn.init.zeros_(self.rnn.bias_hh_l0)
        nn.init.zeros_(self.rnn.bias_ih_l0)
        nn.init.normal_(self.rnn.weight_ih_l0, std=0.1)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.readout(states[:, -1])


model = IRNN(args.hidden)
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
criterion = nn.MSELoss()

smooth = None
for step in range(1, args.steps + 1):
    inputs, target = adding_batch(args.batch, args.length)
    loss = criterion(model(inputs), target)

    optimizer.zero_grad()
    torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)  # HERE
    loss.backward()
    optimizer.step()

    smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
    if step % 120 == 0:
        print(f"step {step:4d}  mse {smooth:.4f}  (predicting the mean gives 0.167)")
