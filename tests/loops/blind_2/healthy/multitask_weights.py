"""Two tasks on one LSTM; the weight moves from the easy auxiliary task to the main task while training."""
import torch
import torch.nn as nn


class MultiTask(nn.Module):
    def __init__(self, vocab=10, d=24, hidden=48):
        super().__init__()
        self.shared = nn.ModuleDict({"emb": nn.Embedding(vocab, d), "lstm": nn.LSTM(d, hidden, batch_first=True)})
        self.next_token = nn.Linear(hidden, vocab)
        self.total = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.shared["lstm"](self.shared["emb"](x))
        return self.next_token(out[:, :-1]), self.total(out[:, -1]).squeeze(-1)


class Schedule:
    """linear ramp of the weight of the main task from lo to hi"""

    def __init__(self, lo, hi, steps):
        self.lo, self.hi, self.steps = lo, hi, steps

    def __call__(self, step):
        return self.lo + (self.hi - self.lo) * min(1.0, step / self.steps)


class Trainer:
    def __init__(self, model, steps=320):
        self.model, self.steps = model, steps
        self.optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
        self.alpha = Schedule(0.1, 0.95, steps * 0.7)
        self.ce, self.mse = nn.CrossEntropyLoss(), nn.MSELoss()

    @staticmethod
    def sequences(n, t=10):
        start = torch.randint(0, 10, (n, 1))
        stride = torch.randint(1, 4, (n, 1))
        return (start + stride * torch.arange(t)) % 10

    def losses(self, x):
        logits, total = self.model(x)
        aux = self.ce(logits.reshape(-1, 10), x[:, 1:].reshape(-1))
        main = self.mse(total, (x == 7).float().sum(1))
        return main, aux

    def run(self):
        for step in range(self.steps):
            a = self.alpha(step)
            main, aux = self.losses(self.sequences(32))
            loss = a * main + (1 - a) * aux
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            if step % 40 == 0 or step == self.steps - 1:
                print(f"step {step:3d} alpha {a:.2f} total {loss.item():.4f} main {main.item():.4f} aux {aux.item():.4f}")


torch.set_num_threads(1)
torch.manual_seed(33)
Trainer(MultiTask()).run()
