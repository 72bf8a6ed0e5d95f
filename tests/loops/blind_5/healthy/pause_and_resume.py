"""Interrupted training must equal uninterrupted training, bit for bit.

Stateful character GRU over a long stream: the checkpoint therefore also holds the carried hidden state, the position
in the stream, the scheduler, and the dropout generator.
"""
import io
import math

import torch
from torch import nn


def text_source(n, seed):
    """nested brackets with letters: the closing bracket must match the opening one, so there is something to remember"""
    g = torch.Generator().manual_seed(seed)

    def r(k):
        return int(torch.randint(0, k, (1,), generator=g))

    out, stack = [], []
    while len(out) < n:
        u = r(10)
        if stack and (u < 4 or len(stack) >= 3):
            out.append({"(": ")", "[": "]", "{": "}"}[stack.pop()])
        elif u < 7:
            b = "([{"[r(3)]
            stack.append(b)
            out.append(b)
        else:
            out.append("ab"[len(stack) % 2])
    return "".join(out)


VOCAB = {c: i for i, c in enumerate("()[]{}ab")}


class Trainer:
    BATCH, WINDOW = 16, 25

    def __init__(self, total_updates):
        torch.manual_seed(100)
        ids = torch.tensor([VOCAB[c] for c in text_source(24000, 1)])
        self.stream = ids[: len(ids) // self.BATCH * self.BATCH].view(self.BATCH, -1)
        v = torch.tensor([VOCAB[c] for c in text_source(4000, 2)])
        self.valid = v.view(8, -1)
        self.net = nn.ModuleDict(
            {"emb": nn.Embedding(8, 16), "drop": nn.Dropout(0.1), "gru": nn.GRU(16, 64, batch_first=True), "out": nn.Linear(64, 8)}
        )
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=8e-3, weight_decay=1e-3, amsgrad=True)
        self.sched = torch.optim.lr_scheduler.CosineAnnealingLR(self.opt, total_updates, eta_min=1e-4)
        self.pos, self.update, self.hidden, self.history = 0, 0, None, []

    def logits(self, x, h):
        y, h = self.net["gru"](self.net["drop"](self.net["emb"](x)), h)
        return self.net["out"](y), h

    @torch.no_grad()
    def validate(self):
        self.net.eval()
        out, _ = self.logits(self.valid[:, :-1], None)
        self.net.train()
        return nn.functional.cross_entropy(out.flatten(0, 1), self.valid[:, 1:].flatten()).item()

    def train(self, until):
        while self.update < until:
            if self.pos + self.WINDOW + 1 > self.stream.size(1):
                self.pos, self.hidden = 0, None  # end of the stream: start over with an empty memory
            x = self.stream[:, self.pos : self.pos + self.WINDOW]
            y = self.stream[:, self.pos + 1 : self.pos + self.WINDOW + 1]
            out, h = self.logits(x, self.hidden)
            loss = nn.functional.cross_entropy(out.flatten(0, 1), y.flatten())
            self.opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.opt.step()
            self.sched.step()
            self.hidden, self.pos, self.update = h.detach(), self.pos + self.WINDOW, self.update + 1
            self.history.append(loss.item())

    def save(self, f):
        torch.save(
            dict(net=self.net.state_dict(), opt=self.opt.state_dict(), sched=self.sched.state_dict(), pos=self.pos,
                 update=self.update, hidden=self.hidden, history=self.history, rng=torch.get_rng_state()), f)

    def load(self, f):
        c = torch.load(f, weights_only=True)
        self.net.load_state_dict(c["net"])
        self.opt.load_state_dict(c["opt"])
        self.sched.load_state_dict(c["sched"])
        self.pos, self.update, self.hidden, self.history = c["pos"], c["update"], c["hidden"], c["history"]
        torch.set_rng_state(c["rng"])


def summary(tr, name):
    h = tr.history
    print(f"{name}: update {tr.update}, first losses {sum(h[:5])/5:.4f}, last 20 {sum(h[-20:])/20:.4f}, "
          f"validation {tr.validate():.4f} (uniform {math.log(8):.4f})")


if __name__ == "__main__":
    torch.set_num_threads(1)
    N, BREAK = 240, 133  # the break is in the middle of a pass over the stream
    a = Trainer(N)
    print(f"untrained validation loss {a.validate():.4f}")
    a.train(N)
    summary(a, "uninterrupted ")

    b = Trainer(N)
    b.train(BREAK)
    summary(b, "before pause  ")
    blob = io.BytesIO()
    b.save(blob)
    del b
    torch.manual_seed(31337)  # another process would have another generator state
    torch.rand(7)
    blob.seek(0)
    c = Trainer(N)
    c.load(blob)
    c.train(N)
    summary(c, "after resuming")
    same = all(torch.equal(p, q) for p, q in zip(a.net.state_dict().values(), c.net.state_dict().values()))
    print("identical loss history:", a.history == c.history, "| identical weights:", same)
