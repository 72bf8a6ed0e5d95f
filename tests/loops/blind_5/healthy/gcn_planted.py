"""Semi-supervised node classification with a hand-made GCN on a planted-partition graph (transductive setting:
all nodes take part in message passing, labels of 60 nodes are used for training, 200 for validation, the rest for test)."""
import argparse
import math

import torch
from torch import nn


def planted_graph(n, k, p_in, p_out, dim, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, k, (n,), generator=g)
    prob = torch.where(y[:, None] == y[None], p_in, p_out)
    upper = torch.triu(torch.rand(n, n, generator=g) < prob, 1)
    edges = upper.nonzero().t()  # undirected, each edge once
    centres = torch.randn(k, dim, generator=g)
    x = 0.45 * centres[y] + torch.randn(n, dim, generator=g)
    return x, y, edges, torch.randperm(n, generator=g)


def propagation(edges, n):
    """D^-1/2 (A + I) D^-1/2 as a sparse matrix"""
    loop = torch.arange(n)
    src, dst = torch.cat([edges[0], edges[1], loop]), torch.cat([edges[1], edges[0], loop])
    deg = torch.zeros(n).index_add_(0, dst, torch.ones(len(dst)))
    w = (deg[src] * deg[dst]).rsqrt()
    return torch.sparse_coo_tensor(torch.stack([dst, src]), w, (n, n), check_invariants=False).coalesce()


class GraphConv(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(i, o))
        self.bias = nn.Parameter(torch.zeros(o))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x, prop):
        return torch.sparse.mm(prop, x @ self.weight) + self.bias


class GCN(nn.Module):
    def __init__(self, dim, hid, k, drop):
        super().__init__()
        self.a, self.b, self.drop = GraphConv(dim, hid), GraphConv(hid, k), nn.Dropout(drop)

    def forward(self, x, prop):
        return self.b(self.drop(torch.relu(self.a(self.drop(x), prop))), prop)


if __name__ == "__main__":
    cli = argparse.ArgumentParser()
    cli.add_argument("--epochs", type=int, default=400)
    cli.add_argument("--patience", type=int, default=120)
    cli.add_argument("--drop-edge", type=float, default=0.2)
    cli.add_argument("--lr", type=float, default=0.01)
    opts = cli.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(140)

    N, K = 1500, 4
    x, y, edges, perm = planted_graph(N, K, 0.012, 0.002, 24, 141)
    part = {"train": perm[:60], "val": perm[60:260], "test": perm[260:]}
    full = propagation(edges, N)
    net = GCN(24, 32, K, 0.4)
    opt = torch.optim.Adam([{"params": net.a.parameters(), "weight_decay": 5e-4}, {"params": net.b.parameters()}], lr=opts.lr)

    def measure(which):
        net.eval()
        with torch.no_grad():
            out = net(x, full)[part[which]]
        net.train()
        t = y[part[which]]
        return nn.functional.cross_entropy(out, t).item(), (out.argmax(1) == t).float().mean().item()

    print(f"{N} nodes, {edges.size(1)} edges; untrained: val ce %.3f acc %.3f" % measure("val"))
    best = (math.inf, -1, None)
    for epoch in range(opts.epochs):
        kept = edges[:, torch.rand(edges.size(1)) >= opts.drop_edge]
        out = net(x, propagation(kept, N))
        loss = nn.functional.cross_entropy(out[part["train"]], y[part["train"]])
        opt.zero_grad()
        loss.backward()
        opt.step()
        vl, va = measure("val")
        if vl < best[0]:
            best = (vl, epoch, {k: v.clone() for k, v in net.state_dict().items()})
        if epoch % 40 == 0:
            print(f"epoch {epoch:3d} train loss {loss.item():.3f} val ce {vl:.3f} acc {va:.3f}")
        if epoch - best[1] > opts.patience:
            print(f"no better validation loss for {opts.patience} epochs, stopping at {epoch}")
            break
    net.load_state_dict(best[2])
    print(f"best epoch {best[1]}: test ce %.3f acc %.3f" % measure("test"))
