import argparse
import torch
import torch.nn as nn

parser = argparse.ArgumentParser(description='Delayed recall with growing delay: the loss jumps each time the task gets harder.')
parser.add_argument('--hidden', type=int, default=64)
parser.add_argument('--batch', type=int, default=32)
parser.add_argument('--max-delay', type=int, default=12)
parser.add_argument('--steps', type=int, default=420)
parser.add_argument('--good', type=float, default=0.15, help='loss below which the delay grows')
opt = parser.parse_args()
torch.manual_seed(8)
torch.set_num_threads(1)

N_SYMBOLS, N_RECALL = 4, 2
BLANK, GO = N_SYMBOLS, N_SYMBOLS + 1


def batch(delay):
    secret = torch.randint(0, N_SYMBOLS, (opt.batch, N_RECALL))
    x = torch.cat([secret, torch.full((opt.batch, delay), BLANK), torch.full((opt.batch, N_RECALL), GO)], dim=1)
    return x, secret


class Recall(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(N_SYMBOLS + 2, 16)
        self.lstm = nn.LSTM(16, opt.hidden, batch_first=True)
        self.fc = nn.Linear(opt.hidden, N_SYMBOLS)

    def forward(self, x):
        y, _ = self.lstm(self.embed(x))
        return self.fc(y[:, -N_RECALL:])


net = Recall()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
loss_fn = nn.CrossEntropyLoss()
delay, average = 1, 1.4
for step in range(opt.steps):
    x, y = batch(delay)
    loss = loss_fn(net(x).transpose(1, 2), y)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    average = 0.9 * average + 0.1 * loss.item()
    if average < opt.good and delay < opt.max_delay:
        print(f'step {step}: delay {delay} mastered (loss {average:.3f})')
        delay = min(opt.max_delay, delay + 3)
        average = 1.0
print(f'end: delay {delay}, loss {average:.3f}')
