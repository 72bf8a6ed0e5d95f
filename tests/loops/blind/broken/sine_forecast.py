# FAULT: rate-gone
# In words: the decay meant for each epoch is applied after every batch, and the learning rate is practically zero long before the net has learnt anything
import math
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

np.random.seed(10)
torch.manual_seed(10)
torch.set_num_threads(1)

# sums of two sines with random phases; see 30 values, forecast the next 5
t = np.arange(35)
phase = np.random.rand(1200, 2) * 2 * math.pi
waves = np.sin(t[None] * 0.35 + phase[:, :1]) + 0.5 * np.sin(t[None] * 0.9 + phase[:, 1:])
waves = torch.from_numpy(waves.astype('float32'))
train = TensorDataset(waves[:1000, :30, None], waves[:1000, 30:])
test_x, test_y = waves[1000:, :30, None], waves[1000:, 30:]
loader = DataLoader(train, batch_size=25, shuffle=True)


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        _, (h, _) = self.lstm(x)
        return self.head(h[-1])


model = Forecaster()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.85)

for epoch in range(6):
    model.train()
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        scheduler.step()  # HERE
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        test_loss = criterion(model(test_x), test_y).item()
    print(f'epoch {epoch}: train mse {np.mean(losses):.4f}, test mse {test_loss:.4f}')
