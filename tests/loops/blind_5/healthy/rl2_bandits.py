"""RL^2 on Bernoulli bandits: a GRU learns a bandit algorithm inside its hidden state.

Every row of the batch is a different 3-armed bandit. Hidden state lives for one trial (12 pulls)
and full backpropagation goes through the trial. Actor-critic with an entropy bonus that is
annealed, so the objective's value says nothing: watch the regret.
"""
import math

import torch
from torch import nn
from torch.distributions import Categorical

torch.set_num_threads(1)
torch.manual_seed(21)
ARMS, PULLS, ENVS, UPDATES = 3, 12, 160, 450


class Agent(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.width = width
        self.core = nn.GRUCell(ARMS + 2, width)
        self.pi = nn.Linear(width, ARMS)
        self.v = nn.Linear(width, 1)
        nn.init.zeros_(self.pi.weight)
        nn.init.zeros_(self.pi.bias)

    def forward(self, inp, h):
        h = self.core(inp, h)
        return Categorical(logits=self.pi(h), validate_args=False), self.v(h).squeeze(-1), h


def trial(agent, n, greedy=False):
    means = torch.rand(n, ARMS)
    h = torch.zeros(n, agent.width)
    inp = torch.zeros(n, ARMS + 2)  # one-hot last arm, last reward, time
    logp, ent, val, rew, regret = [], [], [], [], []
    for t in range(PULLS):
        dist, v, h = agent(inp, h)
        a = dist.probs.argmax(-1) if greedy else dist.sample()
        p = means.gather(1, a[:, None])[:, 0]
        r = torch.bernoulli(p)
        logp.append(dist.log_prob(a)), ent.append(dist.entropy()), val.append(v), rew.append(r)
        regret.append(means.max(1).values - p)
        inp = torch.cat([nn.functional.one_hot(a, ARMS).float(), r[:, None], torch.full((n, 1), (t + 1) / PULLS)], 1)
    return [torch.stack(z) for z in (logp, ent, val, rew, regret)]


def thompson(n):
    means, al, be = torch.rand(n, ARMS), torch.ones(n, ARMS), torch.ones(n, ARMS)
    reg = 0.0
    for _ in range(PULLS):
        a = torch.distributions.Beta(al, be).sample().argmax(1, keepdim=True)
        p = means.gather(1, a)
        r = torch.bernoulli(p)
        al.scatter_add_(1, a, r)
        be.scatter_add_(1, a, 1 - r)
        reg += (means.max(1, keepdim=True).values - p).mean().item()
    return reg


def discounted(r, gamma):
    out, acc = torch.zeros_like(r), torch.zeros_like(r[0])
    for t in reversed(range(len(r))):
        acc = r[t] + gamma * acc
        out[t] = acc
    return out


agent = Agent()
opt = torch.optim.Adam(agent.parameters(), lr=8e-3)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda k: max(0.1, 1 - k / UPDATES))
with torch.no_grad():
    print(f"regret per trial: untrained {trial(agent, 2000)[4].sum(0).mean():.2f}, Thompson sampling {thompson(2000):.2f}")

log = []
for k in range(UPDATES):
    logp, ent, val, rew, regret = trial(agent, ENVS)
    G = discounted(rew, 0.8)
    adv = G - val.detach()
    adv = (adv - adv.mean()) / (adv.std() + 1e-6)
    c_ent = 0.04 * (1 - 0.7 * k / UPDATES)
    actor = -(logp * adv).mean()
    critic = (val - G).pow(2).mean()
    objective = actor + 0.05 * critic - c_ent * ent.mean()
    opt.zero_grad()
    objective.backward()
    nn.utils.clip_grad_norm_(agent.parameters(), 1.0)
    opt.step()
    sched.step()
    log.append(regret.sum(0).mean().item())
    if (k + 1) % 50 == 0:
        print(f"update {k+1:4d} objective {objective.item():+.4f} critic {critic.item():.3f} "
              f"entropy {ent.mean().item():.2f}/{math.log(ARMS):.2f} mean regret (last 50) {sum(log[-50:])/50:.2f}")

with torch.no_grad():
    print(f"final: regret per trial {trial(agent, 4000)[4].sum(0).mean():.2f} on fresh bandits")
