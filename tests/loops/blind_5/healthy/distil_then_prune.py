"""Compress an LSTM tagger: teacher -> distilled small student -> iterative magnitude pruning with fine-tuning.

The task is long-range parity-like marking: label each position by (count of 'a' since the last '#') mod 3.
"""
from __future__ import annotations

import dataclasses

import torch
import torch.nn.functional as F
from torch import nn


@dataclasses.dataclass(frozen=True)
class Plan:
    teacher_hidden: int = 64
    student_hidden: int = 32
    teacher_steps: int = 350
    student_steps: int = 350
    prune_to: tuple[float, ...] = (0.3, 0.5, 0.6)
    finetune_steps: int = 90
    temperature: float = 2.0
    batch: int = 48
    length: int = 22


def sample(n: int, length: int, g: torch.Generator):
    x = torch.multinomial(torch.tensor([0.1, 0.4, 0.25, 0.25]), n * length, True, generator=g).view(n, length)
    x[:, 0] = 0  # '#' starts the sequence
    y = torch.zeros_like(x)
    c = torch.zeros(n, dtype=torch.long)
    for t in range(length):
        c = torch.where(x[:, t] == 0, 0, (c + (x[:, t] == 1)) % 3)
        y[:, t] = c
    return x, y


class Tagger(nn.Module):
    def __init__(self, hidden: int):
        super().__init__()
        self.emb = nn.Embedding(4, 8)
        self.lstm = nn.LSTM(8, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 3)

    def forward(self, x):
        return self.out(self.lstm(self.emb(x))[0])


class Masks:
    """keeps pruned entries of the LSTM matrices at exactly zero, whatever the optimiser does"""

    def __init__(self, net: nn.Module):
        self.weights = {n: p for n, p in net.named_parameters() if "lstm.weight" in n}
        self.keep = {n: torch.ones_like(p, dtype=torch.bool) for n, p in self.weights.items()}
        for n, p in self.weights.items():
            p.register_hook(lambda grad, n=n: grad * self.keep[n])

    @torch.no_grad()
    def tighten(self, sparsity: float):
        for n, p in self.weights.items():
            k = int(sparsity * p.numel())
            order = p.abs().masked_fill(~self.keep[n], -1).flatten().argsort()
            self.keep[n] = torch.ones(p.numel(), dtype=torch.bool).index_fill_(0, order[:k], False).view_as(p)
        self.apply()

    @torch.no_grad()
    def apply(self):
        for n, p in self.weights.items():
            p.mul_(self.keep[n])

    def sparsity(self) -> float:
        z = sum((p == 0).sum().item() for p in self.weights.values())
        return z / sum(p.numel() for p in self.weights.values())


@torch.inference_mode()
def accuracy(net, data):
    return (net(data[0]).argmax(-1) == data[1]).float().mean().item()


def distillation_loss(student_logits, teacher_logits, y, T):
    s, t = (student_logits / T).flatten(0, 1), (teacher_logits / T).flatten(0, 1)
    soft = F.kl_div(F.log_softmax(s, -1), F.log_softmax(t, -1), log_target=True, reduction="batchmean") * T * T
    return 0.8 * soft + 0.2 * F.cross_entropy(student_logits.flatten(0, 1), y.flatten())


def main(plan: Plan):
    torch.set_num_threads(1)
    torch.manual_seed(170)
    g = torch.Generator().manual_seed(171)
    test = sample(400, plan.length, torch.Generator().manual_seed(999))
    longer = sample(200, 2 * plan.length, torch.Generator().manual_seed(998))

    def run(name, net, steps, lr, objective, after=None):
        opt = torch.optim.Adam(net.parameters(), lr=lr)
        sch = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.1, total_iters=steps)
        first, last = [], []
        for k in range(steps):
            x, y = sample(plan.batch, plan.length, g)
            loss = objective(net(x), x, y)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            if after is not None:
                after()
            sch.step()
            (first if k < 10 else last).append(loss.item())
        print(f"{name:18s} loss {sum(first)/len(first):.3f} -> {sum(last[-10:])/10:.4f}   accuracy {accuracy(net, test):.4f}, "
              f"double length {accuracy(net, longer):.4f}")

    def hard(out, x, y):
        return F.cross_entropy(out.flatten(0, 1), y.flatten())

    teacher = Tagger(plan.teacher_hidden)
    print(f"untrained teacher accuracy {accuracy(teacher, test):.3f}")
    run("teacher", teacher, plan.teacher_steps, 1e-2, hard)
    teacher.requires_grad_(False)

    def soft(out, x, y):
        with torch.no_grad():
            t = teacher(x)
        return distillation_loss(out, t, y, plan.temperature)

    student = Tagger(plan.student_hidden)
    run("student (distil)", student, plan.student_steps, 1e-2, soft)
    masks = Masks(student)
    for s in plan.prune_to:
        masks.tighten(s)
        print(f"  pruned to sparsity {masks.sparsity():.2f}, accuracy straight after the cut {accuracy(student, test):.4f}")
        run(f"  fine-tune {s:.2f}", student, plan.finetune_steps, 4e-3, soft, after=masks.apply)
    print(f"final sparsity of the recurrent matrices {masks.sparsity():.3f}")


if __name__ == "__main__":
    main(Plan())
