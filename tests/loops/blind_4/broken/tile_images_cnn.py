# FAULT: training-in-eval-mode
import torch
import torch.nn as nn
import torch.nn.functional as F


def conv_block(cin, cout):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(), nn.Dropout2d(0.1))


class TileNet(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.features = nn.Sequential(
            conv_block(1, 12), conv_block(12, 12), nn.MaxPool2d(2),
            conv_block(12, 24), conv_block(24, 24), conv_block(24, 24), nn.AdaptiveAvgPool2d(1))
        self.classifier = nn.Linear(24, classes)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def tiles(n, size=12):
    """0 horizontal stripes, 1 vertical stripes, 2 checks, 3 diagonal; brightness varies."""
    yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    patterns = torch.stack([(yy // 2) % 2, (xx // 2) % 2, (yy // 2 + xx // 2) % 2, ((yy + xx) // 2) % 2]).float()
    label = torch.randint(0, 4, (n,))
    shift = torch.randint(0, 4, (n, 2))
    img = torch.stack([patterns[l].roll(tuple(s.tolist()), (0, 1)) for l, s in zip(label, shift)])
    img = img * 0.06 + 0.03 * torch.randn(n, size, size) + 0.5
    return img.unsqueeze(1), label


def evaluate(model, x, y):
    model.eval()
    with torch.no_grad():
        out = model(x)
        return F.cross_entropy(out, y).item(), (out.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(77)
    torch.set_num_threads(1)
    x_train, y_train = tiles(480)
    x_val, y_val = tiles(160)
    model = TileNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
    loss, acc = evaluate(model, x_val, y_val)
    print(f"before training: val loss {loss:.3f} acc {acc:.3f}")
    for epoch in range(1, 13):
        running = 0.0
        for idx in torch.randperm(len(x_train)).split(32):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
            loss.backward()
            optimizer.step()
            running += loss.item() * len(idx)
        vloss, vacc = evaluate(model, x_val, y_val)
        print(f"epoch {epoch:2d} train {running / len(x_train):.3f} val {vloss:.3f} acc {vacc:.3f}")


if __name__ == "__main__":
    main()
