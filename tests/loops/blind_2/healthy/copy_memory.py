"""Copy memory task: see 3 symbols, wait, then say them again. Only the answer positions enter the loss."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(0)

N_SYMBOLS, N_COPY, DELAY, BATCH = 6, 3, 4, 32
BLANK, GO = N_SYMBOLS, N_SYMBOLS + 1


def copy_batch():
    symbols = torch.randint(0, N_SYMBOLS, (BATCH, N_COPY))
    x = torch.full((BATCH, N_COPY + DELAY + N_COPY), BLANK)
    x[:, :N_COPY] = symbols
    x[:, N_COPY + DELAY - 1] = GO
    return x, symbols


class CopyNet(nn.Module):
    def __init__(self, hidden=64):
        super().__init__()
        self.hidden = hidden
        self.cell = nn.GRUCell(N_SYMBOLS + 2, hidden)
        nn.init.orthogonal_(self.cell.weight_hh)
        self.readout = nn.Linear(hidden, N_SYMBOLS)

    def forward(self, x):
        onehot = F.one_hot(x, N_SYMBOLS + 2).float()
        h = torch.zeros(x.size(0), self.hidden)
        answers = []
        for t in range(x.size(1)):
            h = self.cell(onehot[:, t], h)
            if t >= x.size(1) - N_COPY:
                answers.append(self.readout(h))
        return torch.stack(answers, 1)


net = CopyNet()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
history = []
for it in range(400):
    x, y = copy_batch()
    logits = net(x)
    loss = F.cross_entropy(logits.reshape(-1, N_SYMBOLS), y.reshape(-1))
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    opt.step()
    history.append(loss.item())
    if (it + 1) % 50 == 0:
        acc = (logits.argmax(-1) == y).float().mean().item()
        print(f"iteration {it + 1}: loss {sum(history[-50:]) / 50:.4f}, symbols right {acc:.3f}")
