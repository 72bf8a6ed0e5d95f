"""Noughts and crosses: two players, two networks, two optimisers. They take turns in being trained (PPO with the
clipped objective); the opponent of the moment is frozen. When one improves the other one's results get worse, so no
curve inside the loop is monotone. The yardstick is play against a uniformly random opponent."""
import torch
from torch import nn
from torch.distributions import Categorical

torch.set_num_threads(1)
LINES = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]])


class Player(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(18, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.move, self.value = nn.Linear(width, 9), nn.Linear(width, 1)

    def forward(self, mine):
        """mine: (n, 9) with +1 own, -1 theirs, 0 empty"""
        z = self.body(torch.cat([mine > 0, mine < 0], 1).float())
        return self.move(z).masked_fill(mine != 0, -1e9), torch.tanh(self.value(z)).squeeze(1)


class Random:
    def __call__(self, mine):
        return torch.zeros_like(mine).masked_fill(mine != 0, -1e9), torch.zeros(len(mine))


@torch.no_grad()
def games(cross, nought, n, greedy=False, recorder=None, explore_other=0.0):
    """plays n games at once; returns result for cross (+1, 0, -1) and the record of player `recorder` (0/1)"""
    board, result, alive = torch.zeros(n, 9), torch.zeros(n), torch.ones(n, dtype=torch.bool)
    rec = []
    for ply in range(9):
        who, sign = ply % 2, 1 - 2 * (ply % 2)
        mine = board * sign
        logits, v = (cross, nought)[who](mine)
        if recorder is not None and who != recorder and explore_other:
            rnd = torch.rand(n, 1) < explore_other
            logits = torch.where(rnd, torch.zeros_like(logits).masked_fill(mine != 0, -1e9), logits)
        pol = Categorical(logits=logits)
        a = logits.argmax(1) if greedy else pol.sample()
        if who == recorder:
            rec.append((mine.clone(), a, pol.log_prob(a), v, alive.clone()))
        rows = alive.nonzero()[:, 0]
        board[rows, a[rows]] = float(sign)
        won = (board[:, LINES].sum(2) * sign == 3).any(1) & alive
        result[won] = float(sign)
        alive = alive & ~won
        if not alive.any():
            break
    return result, rec


def training_set(rec, outcome, gamma=0.95):
    last = torch.zeros(len(outcome))
    for _, _, _, _, alive in rec:
        last += alive
    parts = []
    for k, (s, a, lp, v, alive) in enumerate(rec):
        ret = outcome * gamma ** (last - 1 - k).clamp(min=0)
        parts.append([z[alive] for z in (s, a, lp, v, ret)])
    return [torch.cat(z) for z in zip(*parts)]


def ppo(net, opt, data, epochs=3, clip=0.2, ent=0.05):
    s, a, old, v, ret = data
    adv = ret - v
    adv = (adv - adv.mean()) / (adv.std() + 1e-6)
    for _ in range(epochs):
        logits, value = net(s)
        pol = Categorical(logits=logits)
        ratio = (pol.log_prob(a) - old).exp()
        surrogate = torch.min(ratio * adv, ratio.clamp(1 - clip, 1 + clip) * adv).mean()
        p = logits.softmax(1)
        entropy = -(p * p.clamp(min=1e-9).log()).sum(1).mean()
        loss = -surrogate + 0.5 * (value - ret).pow(2).mean() - ent * entropy
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.5)
        opt.step()
    return loss.item(), entropy.item()


def yardstick(players, n=500):
    x, _ = games(players[0], Random(), n)
    o, _ = games(Random(), players[1], n)
    return (x > 0).float().mean().item(), (x < 0).float().mean().item(), (o < 0).float().mean().item(), (o > 0).float().mean().item()


def main(rounds=12, per_phase=8):
    torch.manual_seed(220)
    players = [Player(), Player()]
    opts = [torch.optim.Adam(p.parameters(), lr=2e-3) for p in players]
    fmt = "vs random: X wins %.2f loses %.2f, O wins %.2f loses %.2f"
    print("untrained           ", fmt % yardstick(players))
    count = 0
    for r in range(rounds):
        for me in (0, 1):
            players[1 - me].requires_grad_(False)
            players[me].requires_grad_(True)
            score = 0.0
            for _ in range(per_phase):
                res, rec = games(*players, 256, recorder=me, explore_other=0.35)
                outcome = res if me == 0 else -res
                loss, ent = ppo(players[me], opts[me], training_set(rec, outcome))
                count += 3
                score += outcome.mean().item() / per_phase
            if r % 2:
                print(f"round {r} {'XO'[me]} trained: mean score {score:+.2f} loss {loss:+.3f} entropy {ent:.2f} | ", fmt % yardstick(players))
    res, _ = games(*players, 1000, greedy=False)
    print(f"{count} updates; X against O: wins {(res > 0).float().mean():.2f} draws {(res == 0).float().mean():.2f} losses {(res < 0).float().mean():.2f}")


if __name__ == "__main__":
    main()
