# FAULT: numerical-instability
"""House price regression on made-up listings."""
import argparse
import torch
import torch.nn as nn


def listings(n):
    area = torch.rand(n) * 150 + 30
    rooms = torch.clamp((area / 28 + torch.randn(n)).round(), 1, 8)
    age = torch.rand(n) * 80
    dist = torch.rand(n) * 20
    price = 1.8 * area + 8 * rooms - 0.6 * age - 4 * dist + 0.05 * area * (20 - dist) + 10 * torch.randn(n)
    x = torch.stack([area, rooms, age, dist], 1)
    x = (x - x.mean(0)) / x.std(0)
    y = (price - price.mean()) / price.std()
    return x, y.unsqueeze(1)


def build(width):
    layers = [nn.Linear(4, width), nn.ReLU()]
    for _ in range(2):
        layers += [nn.Linear(width, width), nn.ReLU()]
    layers.append(nn.Linear(width, 1))
    return nn.Sequential(*layers)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--width", type=int, default=64)
    ap.add_argument("--epochs", type=int, default=80)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--dtype", default="bfloat16")
    a = ap.parse_args()
    torch.manual_seed(10)
    torch.set_num_threads(1)
    dtype = getattr(torch, a.dtype)

    x, y = listings(2000)
    x, y = x.to(dtype), y.to(dtype)
    xtr, ytr, xte, yte = x[:1600], y[:1600], x[1600:], y[1600:]
    model = build(a.width).to(dtype)  # HERE
    optimizer = torch.optim.SGD(model.parameters(), lr=a.lr)

    for epoch in range(1, a.epochs + 1):
        total = 0.0
        for idx in torch.randperm(len(xtr)).split(32):
            pred = model(xtr[idx])
            loss = nn.functional.mse_loss(pred.float(), ytr[idx].float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(idx)
        if epoch % 10 == 0:
            with torch.no_grad():
                test = nn.functional.mse_loss(model(xte).float(), yte.float()).item()
            print(f"epoch {epoch}: train {total / len(xtr):.4f} test {test:.4f}")


if __name__ == "__main__":
    main()
