"""Delayed copy with a hand-written recurrent cell, orthogonal start and a growing sequence length."""
import torch
import torch.nn as nn

torch.set_num_threads(1)


class OrthoCell(nn.Module):
    def __init__(self, n_in, n_hid):
        super().__init__()
        self.W = nn.Parameter(torch.empty(n_hid, n_in))
        self.U = nn.Parameter(torch.empty(n_hid, n_hid))
        self.b = nn.Parameter(torch.zeros(n_hid))
        nn.init.xavier_uniform_(self.W)
        nn.init.orthogonal_(self.U)

    def forward(self, x, h):
        return torch.tanh(x @ self.W.t() + h @ self.U.t() + self.b)


class CopyNet(nn.Module):
    GO = 5

    def __init__(self, symbols=5, hid=64):
        super().__init__()
        self.table = nn.Embedding(symbols + 1, 16)
        self.cell = OrthoCell(16, hid)
        self.read = nn.Linear(hid, symbols)
        self.hid = hid

    def forward(self, seq):
        n, length = seq.shape
        h = seq.new_zeros(n, self.hid, dtype=torch.float)
        for t in range(length):
            h = self.cell(self.table(seq[:, t]), h)
        go = self.table(torch.full((n,), self.GO))
        out = []
        for _ in range(length):
            h = self.cell(go, h)
            out.append(self.read(h))
        return torch.stack(out, dim=1)


def curriculum(model, optimizer, lengths=(1, 2, 3), per_stage=110):
    lossf = nn.CrossEntropyLoss()
    for length in lengths:
        first = None
        for k in range(per_stage):
            seq = torch.randint(0, 5, (40, length))
            logits = model(seq)
            loss = lossf(logits.flatten(0, 1), seq.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            first = first or loss.item()
        acc = (logits.argmax(-1) == seq).float().mean().item()
        print(f"length {length}: loss {first:.3f} -> {loss.item():.3f}, accuracy {acc:.2f}")


if __name__ == "__main__":
    torch.manual_seed(20)
    net = CopyNet()
    curriculum(net, torch.optim.RMSprop(net.parameters(), lr=2e-3))
