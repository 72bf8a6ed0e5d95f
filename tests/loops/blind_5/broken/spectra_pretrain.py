# FAULT: no-gradient
import torch
import torch.nn as nn

torch.set_num_threads(1)

# Step 1: autoencoder on plenty of unlabelled spectra
# Step 2: freeze it, train a classifier head on a few labelled ones


def spectra(n, gen):
    wl = torch.linspace(0, 1, 50)
    kind = torch.randint(0, 3, (n,), generator=gen)
    peak = torch.tensor([0.3, 0.5, 0.7])[kind] + 0.05 * torch.randn(n, generator=gen)
    other = torch.rand(n, generator=gen)
    amp = 0.5 + torch.rand(n, generator=gen)
    s = amp[:, None] * torch.exp(-((wl - peak[:, None]) / 0.06) ** 2)
    s = s + 0.7 * torch.exp(-((wl - other[:, None]) / 0.03) ** 2)
    return s + 0.05 * torch.randn(n, 50, generator=gen), kind


class SpectraNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(50, 64), nn.ReLU(), nn.Linear(64, 12))
        self.decoder = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 50))
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 3))

    def reconstruct(self, s):
        return self.decoder(self.encoder(s))

    def classify(self, s):
        return self.head(self.encoder(s))


def pretrain(net, data, epochs=25):
    opt = torch.optim.Adam(list(net.encoder.parameters()) + list(net.decoder.parameters()), lr=2e-3)
    for ep in range(epochs):
        tot = 0.0
        for idx in torch.randperm(len(data)).split(64):
            loss = ((net.reconstruct(data[idx]) - data[idx]) ** 2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(idx)
        if (ep + 1) % 5 == 0:
            print("pretrain epoch %2d  mse %.4f" % (ep + 1, tot / len(data)))


def freeze_all_but_head(net):
    for p in net.parameters():
        p.requires_grad = False
    net.head.requires_grad = True  # HERE


def finetune(net, x, y, xt, yt, epochs=60):
    freeze_all_but_head(net)
    opt = torch.optim.Adam(net.head.parameters(), lr=5e-3)
    for ep in range(epochs):
        for idx in torch.randperm(len(x)).split(20):
            loss = nn.functional.cross_entropy(net.classify(x[idx]), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if (ep + 1) % 15 == 0:
            with torch.no_grad():
                acc = (net.classify(xt).argmax(1) == yt).float().mean().item()
            print("finetune epoch %2d  loss %.3f  test acc %.3f" % (ep + 1, loss.item(), acc))


gen = torch.Generator().manual_seed(44)
torch.manual_seed(44)
unlabelled, _ = spectra(2000, gen)
x_lab, y_lab = spectra(120, gen)
x_te, y_te = spectra(600, gen)
net = SpectraNet()
pretrain(net, unlabelled)
finetune(net, x_lab, y_lab, x_te, y_te)
