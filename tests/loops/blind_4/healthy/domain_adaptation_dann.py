"""Domain-adversarial training: gradient reversal between features and the domain classifier.
The domain loss is meant to stay near ln 2 while the label loss falls."""
import argparse
import math
import torch
import torch.nn as nn
import torch.nn.functional as F


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Linear(12, 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU())
        self.label = nn.Linear(24, 3)
        self.domain = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x, strength):
        z = self.features(x)
        return self.label(z), self.domain(Reverse.apply(z, strength)).squeeze(1)


def dataset(n, protos, shift):
    y = torch.randint(0, 3, (n,))
    core = protos[y] + 0.5 * torch.randn(n, 6)
    nuisance = shift * (1 + 0.3 * torch.randn(n, 6))
    return torch.cat([core, nuisance], 1), y


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=1200)
    p.add_argument("--batch", type=int, default=48)
    p.add_argument("--lr", type=float, default=0.02)
    a = p.parse_args()
    torch.manual_seed(81)
    torch.set_num_threads(1)
    protos = torch.randn(3, 6)
    xs, ys = dataset(2000, protos, torch.zeros(6))
    xt, yt = dataset(2000, protos, torch.randn(6) * 1.5)
    model = DANN()
    opt = torch.optim.SGD(model.parameters(), lr=a.lr, momentum=0.9)
    domain = torch.cat([torch.zeros(a.batch), torch.ones(a.batch)])
    lab, dom = [], []
    for step in range(a.steps):
        prog = step / a.steps
        strength = 2 / (1 + math.exp(-10 * prog)) - 1
        for group in opt.param_groups:
            group["lr"] = a.lr / (1 + 10 * prog) ** 0.75
        i, j = torch.randint(0, 2000, (2, a.batch))
        logits, d = model(torch.cat([xs[i], xt[j]]), strength)
        label_loss = F.cross_entropy(logits[:a.batch], ys[i])
        domain_loss = F.binary_cross_entropy_with_logits(d, domain)
        opt.zero_grad()
        (label_loss + domain_loss).backward()
        opt.step()
        lab.append(label_loss.item())
        dom.append(domain_loss.item())
        if (step + 1) % 120 == 0:
            with torch.no_grad():
                acc = (model(xt, 0.0)[0].argmax(1) == yt).float().mean().item()
            print(f"{step + 1:5d} label {sum(lab[-120:]) / 120:.3f} domain {sum(dom[-120:]) / 120:.3f} strength {strength:.2f} target acc {acc:.3f}")


main()
