# FAULT: other-parameters
# ruff: noqa: ERA001
# %%
import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

# %% the task: is the majority of a sequence of bits ones?
LENGTH = 15


def sample_batch(n=32):
    x = (torch.rand(n, LENGTH) < 0.5).float()
    return x.unsqueeze(-1), (x.sum(1) > LENGTH / 2).long()


# %%
class Majority(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.GRU(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, 2)

    def forward(self, x):
        _, h = self.rnn(x)
        return self.fc(h[-1])


# %%
model = Majority(8)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
loss_fn = nn.CrossEntropyLoss()
print(sum(p.numel() for p in model.parameters()), "parameters")

# %% eight are too few: try 32
model = Majority(32)  # HERE
print(sum(p.numel() for p in model.parameters()), "parameters")

# %%
history = []
for _ in range(200):
    x, y = sample_batch()
    loss = loss_fn(model(x), y)
    model.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())

# %%
for start in range(0, 200, 50):
    print(f"updates {start}-{start + 49}: {sum(history[start : start + 50]) / 50:.4f}")
