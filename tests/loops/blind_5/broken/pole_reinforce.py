# FAULT: labels-of-others
import math, random
import torch
import torch.nn as nn
from torch.distributions import Categorical

torch.set_num_threads(1)


class Pole:
    """inverted pendulum on a cart, same equations as the gym version"""

    def reset(self):
        self.s = [random.uniform(-0.05, 0.05) for _ in range(4)]
        self.n = 0
        return self.s

    def step(self, a):
        x, v, th, w = self.s
        f = 10.0 if a == 1 else -10.0
        c, s = math.cos(th), math.sin(th)
        tmp = (f + 0.05 * w * w * s) / 1.1
        acc = (9.8 * s - c * tmp) / (0.5 * (4.0 / 3.0 - 0.1 * c * c / 1.1))
        xacc = tmp - 0.05 * acc * c / 1.1
        self.s = [x + 0.02 * v, v + 0.02 * xacc, th + 0.02 * w, w + 0.02 * acc]
        self.n += 1
        fallen = abs(self.s[0]) > 2.4 or abs(self.s[2]) > 0.2095
        return self.s, 1.0, fallen or self.n >= 200


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 64)
        self.affine2 = nn.Linear(64, 2)

    def forward(self, x):
        return self.affine2(torch.relu(self.affine1(x)))


def select_action(policy, state):
    dist = Categorical(logits=policy(torch.tensor(state)))
    a = dist.sample()
    return a.item(), dist.log_prob(a)


def finish_episode(optimizer, rewards, log_probs, gamma=0.97):
    R, returns = 0.0, []
    for r in reversed(rewards):
        R = r + gamma * R
        returns.append(R)  # HERE
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    loss = -(torch.stack(log_probs) * returns).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def main():
    random.seed(17)
    torch.manual_seed(17)
    env, policy = Pole(), Policy()
    optimizer = torch.optim.Adam(policy.parameters(), lr=5e-3)
    running, total_steps = 10.0, 0
    for ep in range(1, 401):
        state, done, rewards, log_probs = env.reset(), False, [], []
        while not done:
            a, lp = select_action(policy, state)
            state, r, done = env.step(a)
            rewards.append(r)
            log_probs.append(lp)
        total_steps += len(rewards)
        running = 0.95 * running + 0.05 * len(rewards)
        finish_episode(optimizer, rewards, log_probs)
        if ep % 40 == 0:
            print("Episode %d\tlast length: %d\taverage length: %.1f" % (ep, len(rewards), running))
        if total_steps > 20000:
            break
    print("average length at the end: %.1f" % running)


main()
