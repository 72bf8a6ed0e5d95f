# FAULT: weights-not-copied
# MLP on a small noisy regression data set, with "early stopping" (keep the best epoch on the validation set)
import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)
rng = np.random.default_rng(1)

n_features = 12
w_true = rng.normal(size=n_features) * (rng.random(n_features) < 0.4)


def draw(n):
    X = rng.normal(size=(n, n_features))
    y = X @ w_true + np.sin(2 * X[:, 0]) + rng.normal(scale=1.0, size=n)
    return torch.tensor(X, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


X_train, y_train = draw(90)
X_val, y_val = draw(300)
X_test, y_test = draw(2000)

model = nn.Sequential(
    nn.Linear(n_features, 128), nn.ReLU(),
    nn.Linear(128, 128), nn.ReLU(),
    nn.Linear(128, 1), nn.Flatten(0),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.MSELoss()


def mse_on(X, y):
    model.eval()
    with torch.no_grad():
        value = loss_fn(model(X), y).item()
    model.train()
    return value


best_val, best_epoch, best_weights = float("inf"), None, None
for epoch in range(250):
    for idx in torch.randperm(len(X_train)).split(30):
        optimizer.zero_grad()
        loss = loss_fn(model(X_train[idx]), y_train[idx])
        loss.backward()
        optimizer.step()

    val = mse_on(X_val, y_val)
    if val < best_val:
        best_val, best_epoch = val, epoch
        best_weights = model.state_dict()  # HERE
    if epoch % 25 == 0:
        print(f"epoch {epoch:3d}  train {mse_on(X_train, y_train):.3f}  val {val:.3f}")

print(f"best validation mse {best_val:.3f} in epoch {best_epoch}, loading those weights")
model.load_state_dict(best_weights)
print(f"validation mse now {mse_on(X_val, y_val):.3f}, test mse {mse_on(X_test, y_test):.3f}")
