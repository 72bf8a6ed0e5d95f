"""Sanity check before the real training: can the network learn one batch by heart? It should."""
import torch
import torch.nn as nn

torch.manual_seed(1)
torch.set_num_threads(1)


class SmallCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Linear(16 * 3 * 3, 10)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


images = torch.randn(24, 1, 12, 12)          # pure noise, random labels:
labels = torch.randint(0, 10, (24,))         # nothing to generalise, only to memorise
model = SmallCNN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
criterion = nn.CrossEntropyLoss()

model.train()
for i in range(150):
    optimizer.zero_grad()
    output = model(images)
    loss = criterion(output, labels)
    loss.backward()
    optimizer.step()
    if i % 25 == 0 or i == 149:
        print(f'iter {i:3d}: loss {loss.item():.4f}, {(output.argmax(1) == labels).sum().item()} of 24 right')

assert loss.item() < 0.1, 'the network cannot even learn one batch'
print('sanity check passed')
