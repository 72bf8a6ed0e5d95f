import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

# set random seed
np.random.seed(0)
torch.manual_seed(0)
torch.set_num_threads(1)

# generate sine waves with random shifts
T, L, N = 16, 48, 10
x = np.arange(L) + np.random.randint(-4 * T, 4 * T, N).reshape(N, 1)
data = np.sin(x / 1.0 / T * 2.5).astype('float64')
input = torch.from_numpy(data[3:, :-1])
target = torch.from_numpy(data[3:, 1:])
test_input = torch.from_numpy(data[:3, :-1])
test_target = torch.from_numpy(data[:3, 1:])


class Sequence(nn.Module):
    def __init__(self):
        super(Sequence, self).__init__()
        self.lstm = nn.LSTM(1, 12, batch_first=True)
        self.linear = nn.Linear(12, 1)

    def forward(self, input):
        h, _ = self.lstm(input.unsqueeze(-1))
        return self.linear(h).squeeze(-1)


seq = Sequence()
seq.double()
criterion = nn.MSELoss()
# use LBFGS as optimizer since we can load the whole data to train
optimizer = optim.LBFGS(seq.parameters(), lr=0.5, max_iter=2, history_size=20)
for i in range(125):
    def closure():
        optimizer.zero_grad()
        out = seq(input)
        loss = criterion(out, target)
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    if i % 25 == 0 or i == 124:
        with torch.no_grad():
            print('STEP:', i, 'loss:', loss.item(), 'test loss:', criterion(seq(test_input), test_target).item())
