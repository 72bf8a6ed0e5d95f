# FAULT: no-log-softmax
from __future__ import annotations

import random
import string
import time

import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(2024)
random.seed(2024)
letters = string.ascii_lowercase + "-"

PATTERNS = {
    "city": ("ton", "ville", "burg", "ford"),
    "mineral": ("ite", "ine", "ium", "ase"),
    "plant": ("wort", "weed", "berry", "leaf"),
    "fish": ("fin", "tail", "gill", "ray"),
    "bird": ("wing", "beak", "hawk", "crest"),
}
classes = list(PATTERNS)


def sample() -> tuple[str, int]:
    c = random.randrange(len(classes))
    head = "".join(random.choice(string.ascii_lowercase) for _ in range(random.randint(2, 4)))
    return head + random.choice(PATTERNS[classes[c]]), c


def line_to_tensor(line: str) -> torch.Tensor:
    return nn.functional.one_hot(torch.tensor([letters.index(ch) for ch in line]), len(letters)).float().unsqueeze(1)


class CharRNN(nn.Module):
    def __init__(self, input_size: int, hidden_size: int, output_size: int) -> None:
        super().__init__()
        self.rnn = nn.GRU(input_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.Softmax(dim=1)  # HERE

    def forward(self, line: torch.Tensor) -> torch.Tensor:
        _, hidden = self.rnn(line)
        return self.softmax(self.h2o(hidden[0]))


def train(net: CharRNN, n_updates: int = 240, n_batch: int = 8, lr: float = 0.1) -> list[float]:
    criterion = nn.NLLLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    curve = []
    start = time.time()
    for update in range(1, n_updates + 1):
        net.zero_grad()
        batch_loss = 0
        hits = 0
        for _ in range(n_batch):
            word, c = sample()
            output = net(line_to_tensor(word))
            batch_loss += criterion(output, torch.tensor([c])) / n_batch
            hits += int(output.argmax().item() == c)
        batch_loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 3)
        optimizer.step()
        curve.append(batch_loss.item())
        if update % 30 == 0:
            print(f"{update:4d}  loss {sum(curve[-30:]) / 30:.4f}  last hits {hits}/{n_batch}  {time.time() - start:.1f}s")
    return curve


if __name__ == "__main__":
    train(CharRNN(len(letters), 64, len(classes)))
