"""Deep recurrent Q-learning (double DQN, episode replay, target net) on a T-maze.

The agent sees a signal (left/right) in the first cell only; it must walk down the corridor
and turn to the right side at the junction. Without memory the expected success is 50 %.
"""
import collections
import copy
import random

import torch
import torch.nn as nn

torch.set_num_threads(1)


class TMaze:
    """obs = [signal_left, signal_right, corridor, junction]; actions 0=forward 1=left 2=right"""

    n_obs, n_act = 4, 3

    def __init__(self, rng, lo=3, hi=7, max_steps=16):
        self.rng, self.lo, self.hi, self.max_steps = rng, lo, hi, max_steps

    def _obs(self):
        o = [0.0] * 4
        if self.pos == 0:
            o[self.goal] = 1.0
        elif self.pos < self.length:
            o[2] = 1.0
        else:
            o[3] = 1.0
        return o

    def reset(self):
        self.length, self.goal = self.rng.randint(self.lo, self.hi), self.rng.randint(0, 1)
        self.pos = self.t = 0
        return self._obs()

    def step(self, a):
        """-> obs, reward, terminated, truncated"""
        self.t += 1
        if self.pos == self.length and a != 0:
            return [0.0] * 4, (1.0 if a - 1 == self.goal else -1.0), True, False
        r = -0.02
        if self.pos < self.length and a == 0:
            self.pos += 1
        else:
            r = -0.1  # bumped into a wall
        return self._obs(), r, False, self.t >= self.max_steps


class RecurrentQ(nn.Module):
    def __init__(self, n_obs, n_act, hid=32):
        super().__init__()
        self.lstm = nn.LSTM(n_obs, hid, batch_first=True)
        self.adv, self.val = nn.Linear(hid, n_act), nn.Linear(hid, 1)

    def forward(self, obs, state=None):
        y, state = self.lstm(obs, state)
        a = self.adv(y)
        return self.val(y) + a - a.mean(-1, keepdim=True), state


Episode = collections.namedtuple("Episode", "obs act rew term")  # obs has one more entry than act


def play(env, q, eps, rng):
    obs, state = env.reset(), None  # memory starts empty in every episode ...
    O, A, R, D = [obs], [], [], []
    while True:
        with torch.no_grad():
            qv, state = q(torch.tensor([[obs]]), state)  # ... and is carried along within it
        a = rng.randrange(env.n_act) if rng.random() < eps else int(qv[0, 0].argmax())
        obs, r, term, trunc = env.step(a)
        O.append(obs), A.append(a), R.append(r), D.append(float(term))
        if term or trunc:
            return Episode(O, A, R, D)


def collate(eps):
    n = max(len(e.act) for e in eps)
    B = len(eps)
    obs, act = torch.zeros(B, n + 1, 4), torch.zeros(B, n, dtype=torch.long)
    rew, term, mask = torch.zeros(B, n), torch.zeros(B, n), torch.zeros(B, n)
    for i, e in enumerate(eps):
        k = len(e.act)
        obs[i, : k + 1] = torch.tensor(e.obs)
        act[i, :k], rew[i, :k], term[i, :k], mask[i, :k] = map(torch.tensor, (e.act, e.rew, e.term, [1.0] * k))
    return obs, act, rew, term, mask


def success(q, n=200):
    rng = random.Random(999)
    env = TMaze(rng)
    return sum(play(env, q, 0.0, rng).rew[-1] == 1.0 for _ in range(n)) / n


def main(episodes=600, warm=60, batch=24, gamma=0.97):
    rng = random.Random(4)
    torch.manual_seed(4)
    env = TMaze(rng)
    online = RecurrentQ(env.n_obs, env.n_act)
    target = copy.deepcopy(online).requires_grad_(False)
    opt = torch.optim.Adam(online.parameters(), lr=2e-3)
    lr_plan = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=episodes - warm, power=1.0)
    memory = collections.deque(maxlen=400)
    returns, td, updates = collections.deque(maxlen=50), collections.deque(maxlen=50), 0
    print(f"greedy success before learning: {success(online):.2f}")
    for ep in range(1, episodes + 1):
        eps = max(0.05, 1.0 - ep / 300)
        e = play(env, online, eps, rng)
        memory.append(e)
        returns.append(sum(e.rew))
        if ep > warm:
            obs, act, rew, term, mask = collate(rng.sample(memory, batch))
            q_all, _ = online(obs)
            q_sa = q_all[:, :-1].gather(2, act[..., None])[..., 0]
            with torch.no_grad():
                best = q_all[:, 1:].argmax(-1, keepdim=True)
                nxt = target(obs)[0][:, 1:].gather(2, best)[..., 0]
                goal = rew + gamma * (1 - term) * nxt
            err = nn.functional.smooth_l1_loss(q_sa, goal, reduction="none")
            loss = (err * mask).sum() / mask.sum()
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(online.parameters(), 5.0)
            opt.step()
            td.append(loss.item())
            updates += 1
            lr_plan.step()
            with torch.no_grad():  # target network follows slowly
                for pt, po in zip(target.parameters(), online.parameters()):
                    pt.lerp_(po, 0.03)
        if ep % 75 == 0:
            l = sum(td) / max(1, len(td))
            print(f"episode {ep:4d} eps {eps:.2f} return(50) {sum(returns)/len(returns):+.2f} "
                  f"td loss {l:.4f} greedy success {success(online, 100):.2f}")
    print(f"{updates} updates; final greedy success on 200 episodes: {success(online):.3f}")


if __name__ == "__main__":
    main()
