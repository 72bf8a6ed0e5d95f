"""Sequence autoencoder under bfloat16 autocast; the curves to rebuild are the inputs themselves."""
import argparse
import math
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def curves(n, points=32):
    t = torch.linspace(0, 1, points)
    freq, phase, amp = 1 + 2 * torch.rand(n, 1), 2 * math.pi * torch.rand(n, 1), 0.5 + torch.rand(n, 1)
    return amp * torch.sin(2 * math.pi * freq * t + phase)


class AutoEncoder(nn.Module):
    def __init__(self, points=32, code=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(points, 64), nn.GELU(), nn.Linear(64, code))
        self.decoder = nn.Sequential(nn.Linear(code, 64), nn.GELU(), nn.Linear(64, points))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    train = DataLoader(TensorDataset(curves(1600)), batch_size=args.batch_size, shuffle=True)
    held_out = curves(200)
    model = AutoEncoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for (x,) in train:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast('cpu', dtype=torch.bfloat16):
                rebuilt = model(x)
                loss = nn.functional.mse_loss(rebuilt.float(), x)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        model.eval()
        with torch.no_grad(), torch.autocast('cpu', dtype=torch.bfloat16):
            val = nn.functional.mse_loss(model(held_out).float(), held_out).item()
        print(f'epoch {epoch}: train {total / 1600:.4f} held out {val:.4f}')


if __name__ == '__main__':
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument('--epochs', type=int, default=8)
    ap.add_argument('--batch-size', type=int, default=40)
    ap.add_argument('--lr', type=float, default=3e-3)
    ap.add_argument('--seed', type=int, default=9)
    main(ap.parse_args())
