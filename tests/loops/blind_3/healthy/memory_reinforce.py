"""REINFORCE with a recurrent policy: a cue is seen first, after a corridor the agent has to turn the right way."""
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(66)


class Corridor:
    def __init__(self, length=5):
        self.length = length

    def reset(self, n):
        self.t, self.n = 0, n
        self.cue = torch.randint(0, 2, (n,))
        return torch.stack([1.0 - self.cue.float(), self.cue.float(), torch.zeros(n)], 1)

    def step(self, action):
        self.t += 1
        at_end = torch.full((self.n, 1), float(self.t == self.length))
        obs = torch.cat([torch.zeros(self.n, 2), at_end], 1)
        if self.t <= self.length:
            return obs, torch.zeros(self.n), False
        return obs, torch.where(action == self.cue, 1.0, -1.0), True


class Policy(nn.Module):
    def __init__(self, hid=24):
        super().__init__()
        self.cell = nn.GRUCell(3, hid)
        self.pi = nn.Linear(hid, 2)
        self.hid = hid

    def forward(self, obs, h):
        h = self.cell(obs, h)
        return Categorical(logits=self.pi(h)), h


def episode(env, policy, n):
    obs, h, done = env.reset(n), torch.zeros(n, policy.hid), False
    while not done:
        dist, h = policy(obs, h)
        action = dist.sample()
        obs, reward, done = env.step(action)
    return dist.log_prob(action), dist.entropy(), reward


env, policy = Corridor(), Policy()
opt = torch.optim.Adam(policy.parameters(), lr=1.5e-3)
baseline = 0.0
for k in range(1, 251):
    logp, entropy, reward = episode(env, policy, 32)
    loss = -((reward - baseline) * logp).mean() - 0.02 * entropy.mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    baseline = 0.8 * baseline + 0.2 * reward.mean().item()
    if k % 50 == 0:
        print(f"batch {k}: loss {loss.item():+.3f} running reward {baseline:+.2f}")
