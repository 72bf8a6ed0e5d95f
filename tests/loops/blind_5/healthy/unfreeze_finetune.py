"""Language-model pretraining followed by classifier fine-tuning with gradual unfreezing (ULMFiT in a nutshell).

phase A: next-token prediction on plenty of unlabelled sequences
phase B: 120 labelled sequences; head only -> + top GRU -> + everything, discriminative learning rates, slanted triangle
control: the same classifier from scratch on the same 120 sequences
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
V, L = 7, 20


def sequences(n, g, label=None):
    """Tokens follow x[t+1] = x[t] + a*x[t-1] + noise (mod V); the class is which of 3 multipliers `a` is in force."""
    y = torch.randint(0, 3, (n,), generator=g) if label is None else torch.full((n,), label)
    a = torch.tensor([1, 2, 4])[y]
    x = torch.randint(0, V, (n, L), generator=g)
    keep = torch.rand(n, L, generator=g) < 0.9
    for t in range(2, L):
        x[:, t] = torch.where(keep[:, t], (x[:, t - 1] + a * x[:, t - 2]) % V, x[:, t])
    return x, y


class Backbone(nn.Module):
    def __init__(self, d=24, h=48):
        super().__init__()
        self.emb = nn.Embedding(V, d)
        self.low = nn.GRU(d, h, batch_first=True)
        self.top = nn.GRU(h, h, batch_first=True)

    def forward(self, x):
        return self.top(self.low(self.emb(x))[0])[0]


class Classifier(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone
        self.head = nn.Sequential(nn.Linear(96, 24), nn.ReLU(), nn.Dropout(0.2), nn.Linear(24, 3))

    def forward(self, x):
        z = self.backbone(x)
        return self.head(torch.cat([z.mean(1), z.amax(1)], 1))


def accuracy(clf, data):
    clf.eval()
    with torch.inference_mode():
        acc = (clf(data[0]).argmax(1) == data[1]).float().mean().item()
    clf.train()
    return acc


def pretrain(backbone, g, updates=301):
    decoder = nn.Linear(48, V)
    params = [*backbone.parameters(), *decoder.parameters()]
    opt = torch.optim.Adam(params, lr=1e-2)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, 1e-2, total_steps=updates)
    for k in range(updates):
        x, _ = sequences(40, g)
        loss = F.cross_entropy(decoder(backbone(x[:, :-1])).transpose(1, 2), x[:, 1:])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
        sched.step()
        if k % 75 == 0 or k == updates - 1:
            print(f"  lm update {k:4d} loss {loss.item():.3f}")


def triangle(k, total, cut=0.2, floor=0.05):
    up = int(total * cut)
    return floor + (1 - floor) * (k / up if k < up else (total - k) / (total - up))


def finetune(clf, labelled, test, stages, top_lr=6e-3, ratio=2.6):
    """stages: list of (layers to release, epochs); layers are listed top first, each deeper one gets lr / ratio"""
    clf.requires_grad_(False)
    opt, depth, n = None, 0, len(labelled[1])
    for layers, epochs in stages:
        for m in layers:
            m.requires_grad_(True)
            grp = {"params": list(m.parameters()), "lr": top_lr / ratio**depth, "peak": top_lr / ratio**depth}
            depth += 1
            if opt is None:
                opt = torch.optim.Adam([grp], weight_decay=1e-4)
            else:
                opt.add_param_group(grp)
        total, k = epochs * (n // 20), 0
        for _ in range(epochs):
            s = 0.0
            for idx in torch.randperm(n).split(20):
                for gr in opt.param_groups:
                    gr["lr"] = gr["peak"] * triangle(k, total)
                loss = F.cross_entropy(clf(labelled[0][idx]), labelled[1][idx])
                opt.zero_grad(set_to_none=True)
                loss.backward()
                opt.step()
                s, k = s + loss.item(), k + 1
        trainable = sum(p.numel() for p in clf.parameters() if p.requires_grad)
        print(f"  {trainable:6d} trainable weights, last epoch loss {s / (n // 20):.3f}, test accuracy {accuracy(clf, test):.3f}")


if __name__ == "__main__":
    torch.manual_seed(110)
    g = torch.Generator().manual_seed(111)
    labelled, test = sequences(120, g), sequences(1000, g)
    print("A) pretraining")
    body = Backbone()
    pretrain(body, g)
    print("B) fine-tuning, gradually unfrozen")
    clf = Classifier(body)
    print(f"  before: test accuracy {accuracy(clf, test):.3f}")
    finetune(clf, labelled, test, [([clf.head], 12), ([body.top], 6), ([body.low, body.emb], 6)])
    print("control) everything from scratch")
    fresh = Classifier(Backbone())
    finetune(fresh, labelled, test, [([fresh.head, fresh.backbone.top, fresh.backbone.low, fresh.backbone.emb], 24)], ratio=1.0)
