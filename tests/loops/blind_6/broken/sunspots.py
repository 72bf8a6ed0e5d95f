# FAULT: broadcast
# One-step forecast of a (made up) sunspot-like series with an LSTM.
# Ported from my old Keras script.
import warnings

import numpy as np
import torch
import torch.nn as nn

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
rs = np.random.RandomState(42)
torch.manual_seed(42)

# data --------------------------------------------------------------------
months = np.arange(1400)
series = (60 + 45 * np.sin(2 * np.pi * months / 33)
          + 20 * np.sin(2 * np.pi * months / 11.5 + 1.0)
          + 4 * rs.randn(len(months)))

split = 1100
mu, sigma = series[:split].mean(), series[:split].std()
scaled = ((series - mu) / sigma).astype("float32")


def windows(s, look_back=24):
    X, y = [], []
    for i in range(len(s) - look_back):
        X.append(s[i:i + look_back])
        y.append(s[i + look_back])
    return np.array(X)[..., None], np.array(y)


x_train, y_train = windows(scaled[:split])
x_test, y_test = windows(scaled[split:])
x_train, y_train, x_test, y_test = map(torch.from_numpy, (x_train, y_train, x_test, y_test))
print("x_train", tuple(x_train.shape), "y_train", tuple(y_train.shape))


# model -------------------------------------------------------------------
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.dense = nn.Linear(32, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.dense(out[:, -1])


net = Net()
mse = nn.MSELoss()
adam = torch.optim.Adam(net.parameters(), lr=0.005)

# fit ---------------------------------------------------------------------
batch = 32
for epoch in range(12):
    order = torch.randperm(len(x_train))
    epoch_loss = []
    for k in range(0, len(order), batch):
        sel = order[k:k + batch]
        adam.zero_grad()
        loss = mse(net(x_train[sel]), y_train[sel])  # HERE
        loss.backward()
        adam.step()
        epoch_loss.append(loss.item())
    print("Epoch %d/12 - loss: %.4f" % (epoch + 1, np.mean(epoch_loss)))

# test --------------------------------------------------------------------
net.eval()
with torch.no_grad():
    pred = net(x_test).numpy()[:, 0] * sigma + mu
true = y_test.numpy() * sigma + mu
print("test RMSE: %.2f   (std of the series: %.2f)" % (np.sqrt(np.mean((pred - true) ** 2)), true.std()))
for p, t in list(zip(pred, true))[:8]:
    print("  predicted %6.1f   true %6.1f" % (p, t))
