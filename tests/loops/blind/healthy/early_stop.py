import copy
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(64)
torch.set_num_threads(1)

# house prices, sort of
n = 700
area, rooms, age, distance = torch.rand(4, n)
price = 2 * area + 0.5 * rooms - 0.7 * age * distance + torch.sin(3 * distance) + 0.15 * torch.randn(n)
features = torch.stack([area, rooms, age, distance], dim=1)
full = TensorDataset(features, price.unsqueeze(1))
train_set, val_set, test_set = random_split(full, [450, 150, 100])
train_loader = DataLoader(train_set, batch_size=30, shuffle=True)
val_loader = DataLoader(val_set, batch_size=150)
test_loader = DataLoader(test_set, batch_size=100)

model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.SmoothL1Loss()


def evaluate(loader):
    model.eval()
    with torch.no_grad():
        return sum(loss_fn(model(x), y).item() * len(x) for x, y in loader) / len(loader.dataset)


best, best_weights, patience, waited = float('inf'), None, 6, 0
for epoch in range(60):
    model.train()
    running = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item() * len(x)
    val = evaluate(val_loader)
    print(f'epoch {epoch:2d} train {running / len(train_set):.4f} val {val:.4f}')
    if val < best - 1e-4:
        best, best_weights, waited = val, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
        if waited >= patience:
            print('no progress for', patience, 'epochs, stopping')
            break
model.load_state_dict(best_weights)
print('test loss', evaluate(test_loader))
