"""REINFORCE with a recurrent policy in a T-maze: the sign at the start tells where to turn at the end."""
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(123)
LENGTH, N_ENVS = 4, 16


class TMaze:
    """Actions: 0 forward, 1 left, 2 right. Observation: [sign left, sign right, corridor, junction]"""

    def reset(self):
        self.side = torch.randint(0, 2, (N_ENVS,))
        obs = torch.zeros(N_ENVS, 4)
        obs[torch.arange(N_ENVS), self.side] = 1.0
        self.t = 0
        return obs

    def step(self, action):
        self.t += 1
        junction = self.t > LENGTH
        if junction:
            reward = torch.where(action == self.side + 1, 1.0, -0.5)
        else:
            reward = torch.where(action == 0, 0.0, -0.1)
        obs = torch.zeros(N_ENVS, 4)
        obs[:, 3 if self.t == LENGTH else 2] = 1.0
        return obs, reward, junction


class Policy(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.hidden = hidden
        self.rnn = nn.GRUCell(4, hidden)
        self.actor = nn.Linear(hidden, 3)

    def forward(self, obs, h):
        h = self.rnn(obs, h)
        return Categorical(logits=self.actor(h)), h


def rollout(env, policy):
    obs, h, done = env.reset(), torch.zeros(N_ENVS, policy.hidden), False
    log_probs, entropies, rewards = [], [], []
    while not done:
        dist, h = policy(obs, h)
        action = dist.sample()
        obs, reward, done = env.step(action)
        log_probs.append(dist.log_prob(action))
        entropies.append(dist.entropy())
        rewards.append(reward)
    returns, running = [], torch.zeros(N_ENVS)
    for r in reversed(rewards):
        running = r + 0.99 * running
        returns.insert(0, running)
    return torch.stack(log_probs), torch.stack(entropies), torch.stack(returns), sum(rewards)


env, policy = TMaze(), Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
recent = []
for episode in range(1, 401):
    log_probs, entropies, returns, score = rollout(env, policy)
    advantage = returns - returns.mean(dim=1, keepdim=True)
    advantage = advantage / (advantage.std() + 1e-6)
    loss = -(log_probs * advantage).mean() - 0.01 * entropies.mean()
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
    recent.append(score.mean().item())
    if episode % 40 == 0:
        print(f"episode {episode}: loss {loss.item():+.4f} mean score {sum(recent[-40:]) / 40:+.3f}")
