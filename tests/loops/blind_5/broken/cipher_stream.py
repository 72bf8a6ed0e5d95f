# FAULT: state-thrown-away
import argparse
import torch
import torch.nn as nn


def make_streams(n_streams, length, k, gen):
    """Every stream starts with its key, after that symbols come in and have to be shifted by the key."""
    key = torch.randint(0, k, (n_streams,), generator=gen)
    sym = torch.randint(0, k, (n_streams, length), generator=gen)
    inp = sym.clone()
    inp[:, 0] = key + k          # key tokens live in their own part of the vocabulary
    tgt = (sym + key[:, None]) % k
    tgt[:, 0] = key
    return inp, tgt


class Decoder(nn.Module):
    def __init__(self, k, hidden):
        super().__init__()
        self.hidden = hidden
        self.emb = nn.Embedding(2 * k, 24)
        self.gru = nn.GRU(24, hidden, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(hidden, 64), nn.ReLU(), nn.Linear(64, k))

    def init_hidden(self, n):
        return torch.zeros(1, n, self.hidden)

    def forward(self, x, hidden):
        y, hidden = self.gru(self.emb(x), hidden)
        return self.mlp(y), hidden


def run(net, inp, tgt, window, opt=None):
    hidden = net.init_hidden(inp.size(0))
    loss_sum, hits, total = 0.0, 0, 0
    for a in range(0, inp.size(1), window):
        chunk, want = inp[:, a:a + window], tgt[:, a:a + window]
        logits, new_hidden = net(chunk, hidden.detach())  # HERE
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), want.flatten())
        if opt is not None:
            opt.zero_grad()
            loss.backward()
            opt.step()
        loss_sum += loss.item() * want.numel()
        hits += (logits.argmax(-1) == want).sum().item()
        total += want.numel()
    return loss_sum / total, hits / total


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--symbols", type=int, default=4)
    ap.add_argument("--hidden", type=int, default=48)
    ap.add_argument("--window", type=int, default=10)
    ap.add_argument("--length", type=int, default=50)
    ap.add_argument("--rounds", type=int, default=150)
    ap.add_argument("--lr", type=float, default=5e-3)
    args = ap.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    g = torch.Generator().manual_seed(99)

    net = Decoder(args.symbols, args.hidden)
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    test_x, test_y = make_streams(200, args.length, args.symbols, g)
    for r in range(1, args.rounds + 1):
        x, y = make_streams(32, args.length, args.symbols, g)
        loss, acc = run(net, x, y, args.window, opt)
        if r % 25 == 0:
            with torch.no_grad():
                vl, va = run(net, test_x, test_y, args.window)
            print(f"round {r:3d}  train {loss:.3f}/{acc:.3f}  test {vl:.3f}/{va:.3f}")
