"""time sequence prediction with LBFGS and a closure, double precision"""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

torch.set_num_threads(1)
np.random.seed(2)
torch.manual_seed(0)

T, L, N = 8, 31, 16
x = np.empty((N, L), "int64")
x[:] = np.array(range(L)) + np.random.randint(-4 * T, 4 * T, N).reshape(N, 1)
data = np.sin(x / 1.0 / T).astype("float64")
input = torch.from_numpy(data[3:, :-1])
target = torch.from_numpy(data[3:, 1:])
test_input = torch.from_numpy(data[:3, :-1])
test_target = torch.from_numpy(data[:3, 1:])


class Sequence(nn.Module):
    def __init__(self):
        super(Sequence, self).__init__()
        self.lstm = nn.LSTM(1, 24, batch_first=True)
        self.linear = nn.Linear(24, 1)

    def forward(self, input, future=0):
        y, state = self.lstm(input.unsqueeze(-1))
        out = self.linear(y)
        outputs = [out]
        last = out[:, -1:]
        for _ in range(future):
            y, state = self.lstm(last, state)
            last = self.linear(y)
            outputs.append(last)
        return torch.cat(outputs, 1).squeeze(-1)


seq = Sequence().double()
criterion = nn.MSELoss()
optimizer = optim.LBFGS(seq.parameters(), lr=0.3, max_iter=2, history_size=20)
evaluations = 0


def closure():
    global evaluations
    evaluations += 1
    optimizer.zero_grad()
    loss = criterion(seq(input), target)
    loss.backward()
    return loss


for i in range(170):
    loss = optimizer.step(closure)
    if i % 17 == 0 or i == 169:
        with torch.no_grad():
            pred = seq(test_input, future=20)
            test_loss = criterion(pred[:, :-20], test_target)
        print(f"STEP {i} evaluations {evaluations} loss {loss.item():.6f} test {test_loss.item():.6f} far ahead {pred[0, -1].item():+.3f}")
