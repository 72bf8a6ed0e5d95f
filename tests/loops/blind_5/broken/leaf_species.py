# FAULT: validation-in-train-mode
import torch
import torch.nn as nn


def leaves(per_class, centres, gen):
    x, y = [], []
    for k, c in enumerate(centres):
        x.append(c + 1.1 * torch.randn(per_class, c.numel(), generator=gen))
        y.append(torch.full((per_class,), k))
    return torch.cat(x), torch.cat(y)


def make_net(d, k):
    def block(i, o):
        return nn.Sequential(nn.Linear(i, o), nn.BatchNorm1d(o), nn.ReLU(), nn.Dropout(0.3))
    return nn.Sequential(block(d, 64), block(64, 64), nn.Linear(64, k))


def train_one_epoch(net, x, y, opt, loss_fn, bs=50):
    net.train()
    total = 0.0
    for idx in torch.randperm(len(x)).split(bs):
        opt.zero_grad()
        loss = loss_fn(net(x[idx]), y[idx])
        loss.backward()
        opt.step()
        total += loss.item() * len(idx)
    return total / len(x)


@torch.no_grad()
def test(net, x, y, bs=50):
    hits = 0
    for i in range(0, len(x), bs):
        pred = net(x[i:i + bs]).argmax(dim=1)
        hits += (pred == y[i:i + bs]).sum().item()
    return hits / len(x)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(64)
    gen = torch.Generator().manual_seed(64)
    n_species, n_feat = 8, 14
    centres = torch.randn(n_species, n_feat, generator=gen)
    x_tr, y_tr = leaves(250, centres, gen)
    x_te, y_te = leaves(100, centres, gen)

    net = make_net(n_feat, n_species)
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(1, 21):
        loss = train_one_epoch(net, x_tr, y_tr, opt, loss_fn)
        acc = test(net, x_te, y_te)
        if epoch % 4 == 0:
            print(f"epoch {epoch:2d}   train loss {loss:.3f}   test accuracy {acc:.1%}")


if __name__ == "__main__":
    main()
