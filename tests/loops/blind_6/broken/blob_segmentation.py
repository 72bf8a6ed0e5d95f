# FAULT: loss-without-its-graph
# Segment bright blobs in noisy pictures, Dice loss, mini U-Net
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader


class BlobDataset(Dataset):
    """Round blobs plus thin scratches; only the blobs belong to the mask."""

    def __init__(self, n, size=24, seed=0):
        g = torch.Generator().manual_seed(seed)
        yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
        self.samples = []
        for _ in range(n):
            mask = torch.zeros(size, size, dtype=torch.bool)
            for _ in range(2):
                cy, cx = (torch.rand(2, generator=g) * (size - 8) + 4).tolist()
                r = float(torch.rand(1, generator=g) * 2 + 2.5)
                mask |= (yy - cy) ** 2 + (xx - cx) ** 2 < r ** 2
            img = mask.float()
            img[int(torch.randint(size, (1,), generator=g))] = 1.0
            img[:, int(torch.randint(size, (1,), generator=g))] = 1.0
            img = img + 0.3 * torch.randn(size, size, generator=g)
            self.samples.append((img[None], mask[None].float()))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i]


class MiniUNet(nn.Module):
    def __init__(self, ch=8):
        super().__init__()
        self.down1 = nn.Conv2d(1, ch, 3, padding=1)
        self.down2 = nn.Conv2d(ch, 2 * ch, 3, padding=1)
        self.up = nn.ConvTranspose2d(2 * ch, ch, 2, stride=2)
        self.merge = nn.Conv2d(2 * ch, ch, 3, padding=1)
        self.last = nn.Conv2d(ch, 1, 1)

    def forward(self, x):
        a = F.relu(self.down1(x))
        b = F.relu(self.down2(F.max_pool2d(a, 2)))
        u = F.relu(self.merge(torch.cat([a, self.up(b)], dim=1)))
        return torch.sigmoid(self.last(u))


class DiceLoss(nn.Module):
    def __init__(self, smooth=1.0):
        super().__init__()
        self.smooth = smooth

    def forward(self, pred, target):
        pred = (pred > 0.5).float()  # HERE
        inter = (pred * target).sum(dim=(1, 2, 3))
        total = pred.sum(dim=(1, 2, 3)) + target.sum(dim=(1, 2, 3))
        dice = (2 * inter + self.smooth) / (total + self.smooth)
        return (1 - dice).mean()


def iou(model, loader):
    model.eval()
    inter = union = 0.0
    with torch.no_grad():
        for img, mask in loader:
            p, m = model(img) > 0.5, mask > 0.5
            inter += (p & m).sum().item()
            union += (p | m).sum().item()
    return inter / union


def main():
    torch.set_num_threads(1)
    torch.manual_seed(64)
    train_loader = DataLoader(BlobDataset(320, seed=1), batch_size=16, shuffle=True)
    val_loader = DataLoader(BlobDataset(80, seed=2), batch_size=16)
    model = MiniUNet()
    loss_fn = DiceLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(10):
        model.train()
        running = 0.0
        for img, mask in train_loader:
            optimizer.zero_grad()
            loss = loss_fn(model(img), mask)
            loss.requires_grad_(True)
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"Epoch {epoch + 1}: dice loss {running / len(train_loader):.4f}, val IoU {iou(model, val_loader):.4f}")


main()
