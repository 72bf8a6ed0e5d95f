"""Double DQN with replay and a periodically synchronised target network on a 5x5 grid with pits."""
import random
from collections import deque
import torch
import torch.nn as nn

random.seed(15)
torch.manual_seed(15)
torch.set_num_threads(1)

PITS = {(1, 1), (2, 3), (3, 1)}
MOVES = [(0, 1), (0, -1), (1, 0), (-1, 0)]


class Grid:
    def reset(self):
        self.p, self.t = (0, 0), 0
        return self.obs()

    def obs(self):
        v = [0.0] * 10
        v[self.p[0]] = v[5 + self.p[1]] = 1.0
        return v

    def step(self, a):
        d = MOVES[a]
        self.p = (min(4, max(0, self.p[0] + d[0])), min(4, max(0, self.p[1] + d[1])))
        self.t += 1
        if self.p == (4, 4):
            return self.obs(), 1.0, True, False
        if self.p in PITS:
            return self.obs(), -1.0, True, False
        return self.obs(), -0.02, False, self.t >= 30


def build():
    return nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 4))


q, q_target = build(), build()
q_target.load_state_dict(q.state_dict())
optimizer = torch.optim.Adam(q.parameters(), lr=2e-3)
memory = deque(maxlen=3000)
env = Grid()
eps, gamma, updates, returns, losses = 1.0, 0.95, 0, [], []

for episode in range(1, 241):
    s, over, ret = env.reset(), False, 0.0
    while not over:
        if random.random() < eps:
            a = random.randrange(4)
        else:
            with torch.no_grad():
                a = q(torch.tensor(s)).argmax().item()
        s2, r, terminal, truncated = env.step(a)
        memory.append((s, a, r, s2, float(terminal)))
        s, ret, over = s2, ret + r, terminal or truncated
        if len(memory) < 200:
            continue
        bs, ba, br, bs2, bt = map(torch.tensor, zip(*random.sample(memory, 32)))
        with torch.no_grad():
            best = q(bs2).argmax(1, keepdim=True)
            goal = br + gamma * (1 - bt) * q_target(bs2).gather(1, best).squeeze(1)
        value = q(bs).gather(1, ba.unsqueeze(1)).squeeze(1)
        loss = nn.functional.smooth_l1_loss(value, goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        updates += 1
        if updates % 150 == 0:
            q_target.load_state_dict(q.state_dict())
    eps = max(0.05, eps * 0.985)
    returns.append(ret)
    if episode % 30 == 0:
        print(f"episode {episode} updates {updates} eps {eps:.2f} td loss {sum(losses[-200:]) / 200:.4f} return {sum(returns[-30:]) / 30:+.2f}")
