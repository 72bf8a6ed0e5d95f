# Which recurrent layer remembers best? Trains three models one after the other, each with a cyclic learning rate.
import torch
import torch.nn as nn

torch.set_num_threads(1)


class Memory(nn.Module):
    def __init__(self, kind, symbols=6, hidden=40):
        super().__init__()
        self.embed = nn.Embedding(symbols, 12)
        self.rnn = getattr(nn, kind)(12, hidden)
        self.out = nn.Linear(hidden, symbols)

    def forward(self, x):
        y, _ = self.rnn(self.embed(x))
        return self.out(y[-1])


def first_symbol(batch=32, length=8):
    x = torch.randint(0, 6, (length, batch))
    return x, x[0]


results = {}
for kind in ('RNN', 'GRU', 'LSTM'):
    torch.manual_seed(100)
    model = Memory(kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=5e-4, max_lr=8e-3, step_size_up=30,
                                                  cycle_momentum=False)
    losses = []
    for step in range(160):
        x, y = first_symbol()
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    results[kind] = sum(losses[-20:]) / 20
    print(f'{kind:5s} first 20: {sum(losses[:20]) / 20:.3f}   last 20: {results[kind]:.3f}')

print('winner:', min(results, key=results.get))
