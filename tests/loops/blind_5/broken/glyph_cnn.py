# FAULT: double-softmax
# Port of my old Keras script (Conv - Pool - Conv - Pool - Dense)
import torch
import torch.nn as nn
import torch.nn.functional as F
import numpy as np

torch.set_num_threads(1)
torch.manual_seed(15)
np.random.seed(15)

NUM_CLASSES = 12
IMG = 12
BATCH_SIZE = 50
EPOCHS = 12

# random prototypes for the glyphs, images are shifted and noisy copies
protos = (np.random.rand(NUM_CLASSES, 8, 8) < 0.4).astype("float32")


def make_images(n):
    ys = np.random.randint(0, NUM_CLASSES, n)
    xs = np.zeros((n, 1, IMG, IMG), dtype="float32")
    for i, k in enumerate(ys):
        dy, dx = np.random.randint(0, IMG - 8 + 1, 2)
        xs[i, 0, dy:dy + 8, dx:dx + 8] = protos[k]
    xs += 0.25 * np.random.randn(*xs.shape).astype("float32")
    return torch.from_numpy(xs), torch.from_numpy(ys)


x_train, y_train = make_images(1500)
x_test, y_test = make_images(500)
print("x_train shape:", tuple(x_train.shape))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 3, padding=1)
        self.conv2 = nn.Conv2d(12, 24, 3, padding=1)
        self.dense1 = nn.Linear(24 * 3 * 3, 64)
        self.dense2 = nn.Linear(64, NUM_CLASSES)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = F.relu(self.dense1(x))
        return F.softmax(self.dense2(x), dim=1)  # HERE


model = Model()
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    perm = torch.randperm(len(x_train))
    running, correct = 0.0, 0
    model.train()
    for i in range(0, len(x_train), BATCH_SIZE):
        b = perm[i:i + BATCH_SIZE]
        opt.zero_grad()
        p = model(x_train[b])
        loss = loss_fn(p, y_train[b])
        loss.backward()
        opt.step()
        running += loss.item() * len(b)
        correct += (p.argmax(1) == y_train[b]).sum().item()
    model.eval()
    with torch.no_grad():
        val_acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print("Epoch %d/%d - loss: %.4f - acc: %.4f - val_acc: %.4f" % (epoch + 1, EPOCHS, running / len(x_train), correct / len(x_train), val_acc))
