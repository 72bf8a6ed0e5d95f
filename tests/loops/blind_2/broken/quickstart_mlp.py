# FAULT: rate-gone
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(0)


def spirals(n_per_class, classes=3):
    xs, ys = [], []
    for c in range(classes):
        r = torch.linspace(0.1, 1, n_per_class)
        a = r * 4 + c * 2 * torch.pi / classes + 0.12 * torch.randn(n_per_class)
        xs.append(torch.stack([r * a.sin(), r * a.cos()], 1))
        ys.append(torch.full((n_per_class,), c))
    return TensorDataset(torch.cat(xs), torch.cat(ys))


train_dataloader = DataLoader(spirals(500), batch_size=32, shuffle=True)
test_dataloader = DataLoader(spirals(150), batch_size=150)


class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(2, 64),
            nn.ReLU(),
            nn.Linear(64, 64),
            nn.ReLU(),
            nn.Linear(64, 3),
        )

    def forward(self, x):
        return self.linear_relu_stack(x)


def train_loop(dataloader, model, loss_fn, optimizer, scheduler):
    size = len(dataloader.dataset)
    model.train()
    for batch, (X, y) in enumerate(dataloader):
        pred = model(X)
        loss = loss_fn(pred, y)

        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()  # HERE

        if batch % 20 == 0:
            print(f"loss: {loss.item():>7f}  [{batch * len(X):>5d}/{size:>5d}]")


def test_loop(dataloader, model, loss_fn):
    model.eval()
    test_loss, correct = 0.0, 0.0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).float().sum().item()
    print(f"Test: accuracy {100 * correct / len(dataloader.dataset):>0.1f}%, avg loss {test_loss / len(dataloader):>8f}\n")


model = NeuralNetwork()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[6, 8, 10], gamma=0.1)
for t in range(12):
    print(f"Epoch {t + 1}, lr {optimizer.param_groups[0]['lr']:g}\n-------------------------------")
    train_loop(train_dataloader, model, loss_fn, optimizer, scheduler)
    test_loop(test_dataloader, model, loss_fn)
print("Done!")
