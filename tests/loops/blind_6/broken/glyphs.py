# FAULT: wrong-type
# converted from glyphs.ipynb

# In[1]:
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)
np.random.seed(5)
torch.manual_seed(5)

# In[2]:
# 5x5 letters, drawn white on black with some scanner noise
LETTERS = {
    "T": ["#####", "..#..", "..#..", "..#..", "..#.."],
    "L": ["#....", "#....", "#....", "#....", "#####"],
    "X": ["#...#", ".#.#.", "..#..", ".#.#.", "#...#"],
    "O": [".###.", "#...#", "#...#", "#...#", ".###."],
    "H": ["#...#", "#...#", "#####", "#...#", "#...#"],
    "Z": ["#####", "...#.", "..#..", ".#...", "#####"],
}
names = list(LETTERS)


def scan(letter):
    canvas = np.zeros((12, 12), dtype=np.float64)
    glyph = np.array([[ch == "#" for ch in row] for row in LETTERS[letter]], dtype=float)
    r, c = np.random.randint(0, 8, size=2)
    canvas[r:r + 5, c:c + 5] = glyph * 235
    canvas += np.abs(np.random.normal(0, 14, canvas.shape))
    return np.clip(canvas, 0, 255).astype(np.uint8)


y = np.random.randint(0, len(names), size=2000)
images = np.stack([scan(names[k]) for k in y])
print(images.shape, images.dtype, images.min(), images.max())

# In[3]:
# to [-1, 1]
x = (images - 128) / 128.0  # HERE
x = torch.tensor(x, dtype=torch.float32).unsqueeze(1)
y = torch.tensor(y)
x_train, y_train = x[:1600], y[:1600]
x_test, y_test = x[1600:], y[1600:]

# In[4]:
model = nn.Sequential(
    nn.Conv2d(1, 12, 5), nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(12 * 16, 48), nn.ReLU(),
    nn.Linear(48, len(names)),
)
opt = torch.optim.Adam(model.parameters(), lr=1e-3)

# In[5]:
for epoch in range(10):
    model.train()
    losses = []
    for idx in torch.randperm(1600).split(40):
        loss = F.cross_entropy(model(x_train[idx]), y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print("epoch", epoch + 1, "loss", round(float(np.mean(losses)), 4), "test acc", round(acc, 4))
