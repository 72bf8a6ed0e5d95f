"""REINFORCE with a GRU policy in a T-maze: the sign at the start tells which way to turn at the end."""
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(9)
torch.set_num_threads(1)

CORRIDOR, ENVS = 4, 32


class TMazeBatch:
    """Observation: [sign left, sign right, in corridor, at junction]; actions: forward, left, right."""

    def reset(self):
        self.goal = torch.randint(1, 3, (ENVS,))
        self.pos = torch.zeros(ENVS, dtype=torch.long)
        self.done = torch.zeros(ENVS, dtype=torch.bool)
        return self.observe(first=True)

    def observe(self, first=False):
        o = torch.zeros(ENVS, 4)
        if first:
            o[torch.arange(ENVS), self.goal - 1] = 1
        o[:, 2] = (self.pos < CORRIDOR).float()
        o[:, 3] = (self.pos >= CORRIDOR).float()
        return o

    def step(self, a):
        at_end = self.pos >= CORRIDOR
        turned = a != 0
        reward = torch.full((ENVS,), -0.05)
        reward[at_end & turned] = torch.where(a == self.goal, 1.0, -0.5)[at_end & turned]
        reward[~at_end & turned] = -0.1
        reward[self.done] = 0.0
        self.pos = self.pos + (~at_end & ~turned).long()
        self.done = self.done | (at_end & turned)
        return self.observe(), reward


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRUCell(4, 24)
        self.actor = nn.Linear(24, 3)

    def forward(self, o, h):
        h = self.gru(o, h)
        return Categorical(logits=self.actor(h)), h


env, policy = TMazeBatch(), Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
for iteration in range(1, 281):
    obs, h = env.reset(), torch.zeros(ENVS, 24)
    logps, ents, rewards, alive = [], [], [], []
    for _ in range(12):
        alive.append((~env.done).float())
        dist, h = policy(obs, h)
        action = dist.sample()
        obs, r = env.step(action)
        logps.append(dist.log_prob(action))
        ents.append(dist.entropy())
        rewards.append(r)
    rewards, alive = torch.stack(rewards), torch.stack(alive)
    returns = rewards.flip(0).cumsum(0).flip(0)
    baseline = returns.mean(1, keepdim=True)
    adv = (returns - baseline) / (returns.std() + 1e-6)
    loss = -(torch.stack(logps) * adv * alive).sum(0).mean() - 0.02 * (torch.stack(ents) * alive).sum(0).mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    if iteration % 35 == 0:
        print(f"{iteration:4d} surrogate {loss.item():+.3f} mean return {rewards.sum(0).mean().item():+.3f}")
