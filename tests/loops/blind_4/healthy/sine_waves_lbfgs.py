"""Two LSTM cells continue sine waves; full-batch L-BFGS in double precision (after the old PyTorch example)."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim


class Sequence(nn.Module):
    def __init__(self, hidden=20):
        super().__init__()
        self.hidden = hidden
        self.lstm1 = nn.LSTMCell(1, hidden)
        self.lstm2 = nn.LSTMCell(hidden, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, inp, future=0):
        outputs = []
        h1 = torch.zeros(inp.size(0), self.hidden, dtype=torch.double)
        c1, h2, c2 = h1.clone(), h1.clone(), h1.clone()
        for x in inp.split(1, dim=1):
            h1, c1 = self.lstm1(x, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            output = self.linear(h2)
            outputs.append(output)
        for _ in range(future):
            h1, c1 = self.lstm1(output, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            output = self.linear(h2)
            outputs.append(output)
        return torch.cat(outputs, dim=1)


if __name__ == "__main__":
    np.random.seed(0)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    L, N = 40, 14
    shift = np.random.randint(-40, 40, (N, 1))
    waves = np.sin((np.arange(L) + shift) / 6.0).astype("float64")
    data = torch.from_numpy(waves)
    inp, target = data[3:, :-1], data[3:, 1:]
    test_inp, test_target = data[:3, :-1], data[:3, 1:]

    seq = Sequence().double()
    criterion = nn.MSELoss()
    optimizer = optim.LBFGS(seq.parameters(), lr=0.5, max_iter=1, history_size=10)

    for i in range(160):
        evaluations = 0

        def closure():
            global evaluations
            evaluations += 1
            optimizer.zero_grad()
            out = seq(inp)
            loss = criterion(out, target)
            loss.backward()
            return loss

        first = optimizer.step(closure)
        if i % 16 == 15:
            with torch.no_grad():
                pred = seq(test_inp, future=20)
                test_loss = criterion(pred[:, :-20], test_target)
            print(f"step {i + 1:3d} evaluations {evaluations} loss {first.item():.6f} test loss {test_loss.item():.6f}")
