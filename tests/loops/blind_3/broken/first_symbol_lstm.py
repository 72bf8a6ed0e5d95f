# FAULT: batch-taken-for-time
# Homework 4, part b: which gesture started the recording?
import torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
torch.manual_seed(0)

N, T, F_IN, CLASSES = 640, 10, 6, 4

# recordings: the class-specific pulse is in the first two frames, the rest is noise
proto = torch.randn(CLASSES, 2, F_IN) * 2
y_all = torch.randint(0, CLASSES, (N,))
x_all = 0.5 * torch.randn(N, T, F_IN)
x_all[:, :2] += proto[y_all]
x_train, y_train = x_all[:512], y_all[:512]
x_test, y_test = x_all[512:], y_all[512:]


class GestureNet(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super(GestureNet, self).__init__()
        self.n_hidden = n_hidden
        self.lstm = nn.LSTM(n_in, n_hidden, num_layers=1)  # HERE
        self.fc1 = nn.Linear(n_hidden, 32)
        self.fc2 = nn.Linear(32, n_out)

    def forward(self, x):
        lstm_out, (h_n, c_n) = self.lstm(x)
        last = lstm_out[:, -1, :]
        z = F.relu(self.fc1(last))
        return self.fc2(z)


net = GestureNet(F_IN, 32, CLASSES)
optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
criterion = nn.CrossEntropyLoss()

BATCH = 32
for epoch in range(1, 16):
    net.train()
    perm = torch.randperm(len(x_train))
    running = 0.0
    for s in range(0, len(perm), BATCH):
        idx = perm[s:s + BATCH]
        optimizer.zero_grad()
        out = net(x_train[idx])
        loss = criterion(out, y_train[idx])
        loss.backward()
        optimizer.step()
        running += loss.item() * len(idx)
    if epoch % 3 == 0:
        net.eval()
        with torch.no_grad():
            acc = (net(x_test).argmax(1) == y_test).float().mean()
        print('Epoch %2d  loss %.4f  test acc %.2f' % (epoch, running / len(perm), acc))
