# FAULT: changed-in-place
# Elman network for the temperature of an electric motor given the load profile.
# First version was pure numpy, this is the torch version.
import numpy as np
import torch

torch.set_num_threads(1)
np.random.seed(21)
torch.manual_seed(21)


def simulate_motor(n_runs, n_steps):
    load = np.zeros((n_runs, n_steps))
    temp = np.zeros((n_runs, n_steps))
    for r in range(n_runs):
        level, T = np.random.rand(), 0.0
        for k in range(n_steps):
            if np.random.rand() < 0.1:
                level = np.random.rand()
            T += 0.15 * (2 * level ** 2 - T)
            load[r, k] = level
            temp[r, k] = T
    return torch.tensor(load, dtype=torch.float32), torch.tensor(temp, dtype=torch.float32)


class Elman:
    def __init__(self, n_hidden):
        self.n_hidden = n_hidden
        self.W_in = torch.empty(1, n_hidden).uniform_(-0.5, 0.5)
        self.W_rec = torch.empty(n_hidden, n_hidden).uniform_(-1, 1) / np.sqrt(n_hidden)
        self.b = torch.zeros(n_hidden)
        self.W_out = torch.empty(n_hidden, 1).uniform_(-0.3, 0.3)
        self.b_out = torch.zeros(1)
        for p in self.weights():
            p.requires_grad_()

    def weights(self):
        return [self.W_in, self.W_rec, self.b, self.W_out, self.b_out]

    def __call__(self, u):
        n, steps = u.shape
        states = torch.zeros(n, steps + 1, self.n_hidden)
        for k in range(steps):
            states[:, k + 1] = torch.tanh(u[:, k:k + 1] @ self.W_in + states[:, k] @ self.W_rec + self.b)  # HERE
        return (states[:, 1:] @ self.W_out + self.b_out).squeeze(-1)


load_train, temp_train = simulate_motor(256, 40)
load_test, temp_test = simulate_motor(64, 40)

elman = Elman(24)
optimizer = torch.optim.Adam(elman.weights(), lr=0.003)

for epoch in range(30):
    perm = torch.randperm(256)
    err = 0.0
    for batch in perm.chunk(8):
        prediction = elman(load_train[batch])
        loss = ((prediction - temp_train[batch]) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        err += loss.item() / 8
    if epoch % 5 == 4:
        with torch.no_grad():
            rmse = ((elman(load_test) - temp_test) ** 2).mean().sqrt().item()
        print(f"epoch {epoch + 1}: train mse {err:.5f}, test rmse {rmse:.4f}")
