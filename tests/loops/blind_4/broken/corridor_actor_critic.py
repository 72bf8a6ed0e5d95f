# FAULT: advantage-not-detached
"""Advantage actor-critic for a corridor with a cliff at one end and a goal at the other."""
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.manual_seed(6)
torch.set_num_threads(1)


class Corridor:
    SIZE = 9

    def reset(self):
        self.pos, self.t = self.SIZE // 2, 0
        return self.obs()

    def obs(self):
        o = torch.zeros(self.SIZE)
        o[self.pos] = 1.0
        return o

    def step(self, action):
        slip = torch.rand(()).item() < 0.1
        move = 1 if action == 1 else -1
        self.pos += -move if slip else move
        self.t += 1
        if self.pos <= 0:
            return None, -1.0, True
        if self.pos >= self.SIZE - 1:
            return None, 1.0, True
        return self.obs(), -0.02, self.t >= 40


class ActorCritic(nn.Module):
    def __init__(self, n_obs, n_act):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_obs, 32), nn.Tanh())
        self.pi = nn.Linear(32, n_act)
        self.v = nn.Linear(32, 1)

    def forward(self, o):
        z = self.body(o)
        return self.pi(z), self.v(z).squeeze(-1)


env, net = Corridor(), ActorCritic(Corridor.SIZE, 2)
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
gamma = 0.98
history = []

for episode in range(1, 701):
    obs, done = env.reset(), False
    log_probs, values, rewards = [], [], []
    while not done:
        logits, value = net(obs)
        dist = Categorical(logits=logits)
        action = dist.sample()
        obs, reward, done = env.step(action.item())
        log_probs.append(dist.log_prob(action))
        values.append(value)
        rewards.append(reward)

    returns, g = [], 0.0
    for r in reversed(rewards):
        g = r + gamma * g
        returns.insert(0, g)
    returns = torch.tensor(returns)
    advantage = returns - torch.stack(values)
    policy_loss = -(torch.stack(log_probs) * advantage).mean()  # HERE
    value_loss = advantage.pow(2).mean()
    loss = policy_loss + 0.5 * value_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(sum(rewards))
    if episode % 70 == 0:
        print(f"episode {episode}: mean return {sum(history[-70:]) / 70:.3f}  value loss {value_loss.item():.3f}")
