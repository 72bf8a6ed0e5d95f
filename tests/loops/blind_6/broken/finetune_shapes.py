# FAULT: other-parameters
"""Pretrain a small CNN on three shapes, then fine-tune it for two other shapes.

    python finetune_shapes.py --pretrain-steps 150 --finetune-steps 200
"""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE = 16


def draw(kind, n, gen):
    """n noisy images of one kind"""
    imgs = torch.zeros(n, 1, SIZE, SIZE)
    for i in range(n):
        r, c = torch.randint(2, 7, (2,), generator=gen).tolist()
        s = int(torch.randint(5, 8, (1,), generator=gen))
        patch = imgs[i, 0, r:r + s, c:c + s]
        if kind == "square":
            patch[0, :] = patch[-1, :] = 1
            patch[:, 0] = patch[:, -1] = 1
        elif kind == "hline":
            patch[s // 2, :] = 1
        elif kind == "vline":
            patch[:, s // 2] = 1
        elif kind == "plus":
            patch[s // 2, :] = 1
            patch[:, s // 2] = 1
        elif kind == "diag":
            patch += torch.eye(s)
    return imgs + 0.15 * torch.randn(imgs.shape, generator=gen)


def build_set(kinds, per_class, gen):
    x = torch.cat([draw(k, per_class, gen) for k in kinds])
    y = torch.arange(len(kinds)).repeat_interleave(per_class)
    return x, y


class SmallCNN(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.fc = nn.Linear(16 * (SIZE // 4) ** 2, n_classes)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


def train_steps(model, optimizer, x, y, steps, batch_size, title):
    for step in range(1, steps + 1):
        idx = torch.randint(len(x), (batch_size,))
        loss = F.cross_entropy(model(x[idx]), y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            print(f"[{title}] step {step:4d}  loss {loss.item():.4f}")


def accuracy(model, x, y):
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pretrain-steps", type=int, default=150)
    parser.add_argument("--finetune-steps", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=2e-3)
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(12)
    gen = torch.Generator().manual_seed(12)

    x, y = build_set(["square", "hline", "vline"], 200, gen)
    model = SmallCNN(3)
    train_steps(model, torch.optim.Adam(model.parameters(), lr=args.lr), x, y, args.pretrain_steps, args.batch_size, "pretrain")
    print(f"accuracy on the pretraining shapes: {accuracy(model, x, y):.3f}")

    # new task: keep the convolutions as they are, only learn a new output layer
    for p in model.features.parameters():
        p.requires_grad = False
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)  # HERE
    model.fc = nn.Linear(model.fc.in_features, 2)

    x_new, y_new = build_set(["plus", "diag"], 100, gen)
    x_test, y_test = build_set(["plus", "diag"], 100, gen)
    print(f"before fine-tuning: {accuracy(model, x_test, y_test):.3f}")
    train_steps(model, optimizer, x_new, y_new, args.finetune_steps, args.batch_size, "finetune")
    print(f"after fine-tuning:  {accuracy(model, x_test, y_test):.3f}")


if __name__ == "__main__":
    main()
