# FAULT: wrong-shape
"""Classify pump vibration snippets as normal / worn bearing."""
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

torch.manual_seed(8)
torch.set_num_threads(1)

batch_size = 4
hidden_size = 24
num_layers = 2


class PumpData(Dataset):
    def __init__(self, n=902, length=50):
        self.n = n
        t = torch.arange(length).float()
        self.y = torch.randint(0, 2, (n,))
        freq = 0.4 + 0.02 * torch.randn(n, 1)
        base = torch.sin(freq * t + 6.28 * torch.rand(n, 1))
        knock = (t % 10 == 0).float() * self.y.unsqueeze(1) * 0.9
        self.x = (base + knock + 0.2 * torch.randn(n, length)).unsqueeze(-1)

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return self.x[i], self.y[i]


class PumpGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.h0 = torch.zeros(num_layers, batch_size, hidden_size)  # HERE
        self.gru = nn.GRU(1, hidden_size, num_layers, batch_first=True)
        self.classifier = nn.Sequential(nn.Linear(hidden_size, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x):
        out, _ = self.gru(x, self.h0)
        return self.classifier(out[:, -1])


loader = DataLoader(PumpData(), batch_size=batch_size, shuffle=True)
model = PumpGRU()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)

for epoch in range(4):
    running = 0.0
    for i, (x, y) in enumerate(loader, 1):
        optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        running += loss.item()
        if i % 45 == 0:
            print(f"epoch {epoch + 1} batch {i}/{len(loader)} loss {running / 45:.3f}")
            running = 0.0
