# FAULT: sign-of-the-loss
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(55)


class ContextualBandit:
    """Four arms, the best one depends on which quadrant the context is in."""

    def observe(self, n):
        self.ctx = torch.randn(n, 2)
        return self.ctx

    def pull(self, arm):
        best = (self.ctx[:, 0] > 0).long() * 2 + (self.ctx[:, 1] > 0).long()
        return (arm == best).float() + 0.1 * torch.randn(len(arm))


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 4))

    def forward(self, s):
        return Categorical(logits=self.net(s))


env = ContextualBandit()
policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
baseline = 0.0
rewards_log = []

for episode in range(300):
    state = env.observe(64)
    dist = policy(state)
    action = dist.sample()
    reward = env.pull(action)
    advantage = reward - baseline
    loss = (dist.log_prob(action) * advantage).mean() - 0.01 * dist.entropy().mean()  # HERE
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    baseline = 0.9 * baseline + 0.1 * reward.mean().item()
    rewards_log.append(reward.mean().item())
    if episode % 50 == 49:
        print(f"episode {episode + 1}: loss {loss.item():+.4f} average reward {sum(rewards_log[-50:]) / 50:.3f}")
