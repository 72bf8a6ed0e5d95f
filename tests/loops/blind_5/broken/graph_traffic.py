# FAULT: broadcast
"""Graph convolution written by hand: predict traffic at the nodes of a road network."""
import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)


def road_network(n=200, seed=6):
    rs = np.random.RandomState(seed)
    pos = rs.rand(n, 2)
    dist = np.linalg.norm(pos[:, None] - pos[None], axis=-1)
    adj = (dist < 0.12).astype(np.float64)          # includes self loops
    deg = adj.sum(1)
    a_hat = adj / np.sqrt(deg[:, None] * deg[None])
    feats = rs.randn(n, 6)
    inflow = feats @ np.array([1.0, -2.0, 0.5, 0.0, 0.0, 1.5])
    flow = np.tanh(a_hat @ inflow) * 2 + 0.3 * (a_hat @ feats[:, 0]) + 0.05 * rs.randn(n)
    to = lambda a: torch.tensor(a, dtype=torch.float32)
    return to(a_hat), to(feats), to(flow), torch.from_numpy(rs.rand(n) < 0.6)


class GraphConv(nn.Module):
    def __init__(self, d_in, d_out):
        super().__init__()
        self.lin = nn.Linear(d_in, d_out)

    def forward(self, a, x):
        return a @ self.lin(x)


class GCN(nn.Module):
    def __init__(self, d_in, d_hid):
        super().__init__()
        self.conv = GraphConv(d_in, d_hid)
        self.mid = nn.Linear(d_hid, d_hid)
        self.readout = nn.Linear(d_hid, 1)

    def forward(self, a, x):
        x = torch.relu(self.conv(a, x))
        x = torch.relu(self.mid(x))
        return self.readout(x)


def r2(pred, true):
    return (1 - ((pred - true) ** 2).sum() / ((true - true.mean()) ** 2).sum()).item()


def main():
    torch.manual_seed(6)
    A, X, y, train = road_network()
    test = ~train
    gcn = GCN(X.shape[1], 32)
    opt = torch.optim.Adam(gcn.parameters(), lr=0.01, weight_decay=1e-4)
    for epoch in range(601):
        gcn.train()
        out = gcn(A, X)
        loss = (out[train] - y[train]).pow(2).mean()  # HERE
        opt.zero_grad()
        loss.backward()
        opt.step()
        if epoch % 100 == 0:
            gcn.eval()
            with torch.no_grad():
                flow = gcn(A, X).flatten()
            print(f"epoch {epoch:3d}  loss {loss:.4f}  R2 train {r2(flow[train], y[train]):.3f}  R2 test {r2(flow[test], y[test]):.3f}")


if __name__ == "__main__":
    main()
