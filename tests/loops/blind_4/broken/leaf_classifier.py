# FAULT: rate-gone
"""Leaf species from 16 shape measurements."""
import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
torch.set_num_threads(1)

N_SPECIES, N_MEAS = 12, 16
centres = torch.randn(N_SPECIES, 3, N_MEAS)


def leaves(n):
    y = torch.randint(0, N_SPECIES, (n,))
    growth_stage = torch.randint(0, 3, (n,))
    x = centres[y, growth_stage] + 0.45 * torch.randn(n, N_MEAS)
    return TensorDataset(x, y)


class Trainer:
    def __init__(self, model, train_loader, val_loader, lr=0.01):
        self.model = model
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.scheduler = optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, factor=0.1, patience=2)

    def train_one_epoch(self):
        self.model.train()
        total = 0.0
        for x, y in self.train_loader:
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(y)
        return total / len(self.train_loader.dataset)

    @torch.no_grad()
    def validate(self):
        self.model.eval()
        hits = sum((self.model(x).argmax(1) == y).sum().item() for x, y in self.val_loader)
        return hits / len(self.val_loader.dataset)

    def fit(self, epochs):
        for epoch in range(epochs):
            loss = self.train_one_epoch()
            acc = self.validate()
            self.scheduler.step(acc)  # HERE
            lr = self.optimizer.param_groups[0]["lr"]
            print(f"epoch {epoch:2d} | loss {loss:.4f} | val acc {acc:.4f} | lr {lr:.1e}")


if __name__ == "__main__":
    net = nn.Sequential(nn.Linear(N_MEAS, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, N_SPECIES))
    trainer = Trainer(net, DataLoader(leaves(1500), 32, shuffle=True), DataLoader(leaves(500), 250), lr=0.01)
    trainer.fit(25)
