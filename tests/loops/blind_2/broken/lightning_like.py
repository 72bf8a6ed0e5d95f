# FAULT: training-in-eval-mode
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


class SensorModule(nn.Module):
    """classify vibration recordings by their frequency"""

    def __init__(self, channels=2, hidden=24, n_classes=4, lr=2e-3):
        super().__init__()
        self.lr = lr
        self.bn_in = nn.BatchNorm1d(channels)
        self.conv = nn.Conv1d(channels, 16, 5, stride=2)
        self.bn = nn.BatchNorm1d(16)
        self.gru = nn.GRU(16, hidden, batch_first=True)
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(hidden, n_classes)

    def forward(self, x):
        z = torch.relu(self.bn(self.conv(self.bn_in(x))))
        _, h = self.gru(z.transpose(1, 2))
        return self.head(self.drop(h[-1]))

    def training_step(self, batch):
        x, y = batch
        return F.cross_entropy(self(x), y)

    def validation_step(self, batch):
        x, y = batch
        logits = self(x)
        return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


class MiniTrainer:
    def __init__(self, max_epochs):
        self.max_epochs = max_epochs

    def validate(self, module, loader):
        module.eval()
        with torch.no_grad():
            outs = [module.validation_step(b) for b in loader]
        return [sum(o) / len(outs) for o in zip(*outs)]

    def fit(self, module, train_loader, val_loader):
        optimizer = module.configure_optimizers()
        print("sanity check: val_loss %.3f val_acc %.3f" % tuple(self.validate(module, val_loader)))
        for epoch in range(self.max_epochs):
            losses = []
            for batch in train_loader:  # HERE
                loss = module.training_step(batch)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            val_loss, val_acc = self.validate(module, val_loader)
            print(f"epoch {epoch} train_loss {sum(losses) / len(losses):.3f} val_loss {val_loss:.3f} val_acc {val_acc:.3f}")


def recordings(n, g):
    y = torch.randint(0, 4, (n,), generator=g)
    t = torch.arange(40).float()
    phase = torch.rand(n, 1, generator=g) * 6.28
    wave = torch.sin(phase + t * (0.2 + 0.15 * y.unsqueeze(1)))
    x = torch.stack([400 + 60 * wave, 0.002 * wave], 1)
    return TensorDataset(x + torch.tensor([30.0, 0.001]).view(1, 2, 1) * torch.randn(n, 2, 40, generator=g), y)


torch.set_num_threads(1)
torch.manual_seed(6)
gen = torch.Generator().manual_seed(6)
MiniTrainer(8).fit(SensorModule(), DataLoader(recordings(960, gen), batch_size=32, shuffle=True), DataLoader(recordings(256, gen), batch_size=64))
