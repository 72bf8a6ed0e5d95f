# FAULT: validation-trained
# In words: after random_split the training loader is built on the whole dataset, so the validation samples are trained on as well
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(5)
torch.set_num_threads(1)


def build_data(n=400, d=24):
    """Few samples, noisy labels: easy to learn by heart."""
    x = torch.randn(n, d)
    score = x[:, 0] - x[:, 1] + 0.5 * x[:, 2] * x[:, 3]
    y = (score + 1.2 * torch.randn(n) > 0).long()
    return TensorDataset(x, y)


class MLP(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(d, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 2))

    def forward(self, x):
        return self.layers(x)


def train_one_epoch(model, loader, optimizer, loss_fn):
    model.train()
    total = 0.0
    for x, y in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, loss_fn):
    model.eval()
    loss = correct = 0
    for x, y in loader:
        out = model(x)
        loss += loss_fn(out, y).item() * len(x)
        correct += (out.argmax(1) == y).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


dataset = build_data()
train_set, val_set = random_split(dataset, [320, 80])
train_loader = DataLoader(dataset, batch_size=16, shuffle=True)  # HERE
val_loader = DataLoader(val_set, batch_size=80)
model = MLP(24)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(30):
    train_loss = train_one_epoch(model, train_loader, optimizer, loss_fn)
    val_loss, val_acc = evaluate(model, val_loader, loss_fn)
    if epoch % 5 == 4:
        print(f'[{epoch + 1:2d}] train {train_loss:.3f}  val {val_loss:.3f}  val acc {val_acc:.2%}')
