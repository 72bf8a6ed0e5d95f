# FAULT: in-no-optimizer
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(6)

GLYPHS = ["01110 10001 10001 10001 01110", "00100 01100 00100 00100 01110",
          "01110 00001 01110 10000 11111", "11110 00001 00110 00001 11110",
          "10010 10010 11111 00010 00010"]
TEMPLATES = torch.stack([torch.tensor([[float(c) for c in row] for row in g.split()]) for g in GLYPHS])


def render(n):
    y = torch.randint(0, len(GLYPHS), (n,))
    img = torch.zeros(n, 1, 10, 10)
    for k in range(n):
        r, c = torch.randint(0, 6, (2,)).tolist()
        img[k, 0, r:r + 5, c:c + 5] = TEMPLATES[y[k]]
    return img + 0.15 * torch.randn_like(img), y


class SmallCNN(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.n_classes = n_classes
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.conv2(x))
        x = self.drop(x.flatten(1))
        # size of the flattened map depends on the image size
        self.fc = nn.Linear(x.size(1), self.n_classes)  # HERE
        return self.fc(x)


model = SmallCNN(len(GLYPHS))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
x_test, y_test = render(200)

for epoch in range(1, 9):
    model.train()
    x_train, y_train = render(800)
    total, correct = 0.0, 0
    for j in torch.arange(800).split(32):
        optimizer.zero_grad()
        out = model(x_train[j])
        loss = F.cross_entropy(out, y_train[j])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(j)
        correct += (out.argmax(1) == y_train[j]).sum().item()
    model.eval()
    with torch.no_grad():
        test = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"Epoch {epoch}: train loss {total / 800:.3f}, train acc {correct / 800:.2%}, test acc {test:.2%}")
