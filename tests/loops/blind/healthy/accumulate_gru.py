"""Character GRU with gradient accumulation: four micro-batches for each update."""
import argparse
import random
import torch
import torch.nn as nn

p = argparse.ArgumentParser()
p.add_argument('--accum', type=int, default=4)
p.add_argument('--micro-batch', type=int, default=4)
p.add_argument('--length', type=int, default=24)
p.add_argument('--updates', type=int, default=140)
p.add_argument('--lr', type=float, default=6e-3)
args = p.parse_args()
torch.manual_seed(0)
random.seed(0)
torch.set_num_threads(1)

weather = ['sun', 'fog', 'snow', 'rain', 'hail']
text = ''.join(f'{random.choice(weather)} in the {random.choice(["north", "south", "east"])}, '
               f'wind {random.randint(1, 9)}; ' for _ in range(400))
letters = sorted(set(text))
codes = torch.tensor([letters.index(c) for c in text])


class Net(nn.Module):
    def __init__(self, n, d=48):
        super().__init__()
        self.emb, self.rnn, self.out = nn.Embedding(n, d), nn.GRU(d, d, batch_first=True), nn.Linear(d, n)

    def forward(self, x):
        return self.out(self.rnn(self.emb(x))[0])


def micro_batch():
    start = torch.randint(0, len(codes) - args.length - 1, (args.micro_batch,))
    w = torch.stack([codes[s:s + args.length + 1] for s in start])
    return w[:, :-1], w[:, 1:]


net = Net(len(letters))
opt = torch.optim.Adam(net.parameters(), lr=args.lr)
opt.zero_grad()
running, updates, micro = 0.0, 0, 0
while updates < args.updates:
    x, y = micro_batch()
    loss = nn.functional.cross_entropy(net(x).flatten(0, 1), y.flatten())
    (loss / args.accum).backward()
    running += loss.item()
    micro += 1
    if micro % args.accum == 0:
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        updates += 1
        if updates % 20 == 0:
            print(f'update {updates:4d}  loss {running / (20 * args.accum):.4f}')
            running = 0.0
