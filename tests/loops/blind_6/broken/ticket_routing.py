# FAULT: double-softmax
"""Route support tickets to one of ten teams with a small transformer encoder."""
import random
import time
from typing import List, Tuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

N_TEAMS = 10
VOCAB_SIZE = 120      # 0 is a classification token; 1..30 carry information, the rest is noise
TICKET_LEN = 12


def make_ticket(rng: random.Random) -> Tuple[List[int], int]:
    team = rng.randrange(N_TEAMS)
    tokens = [rng.randrange(31, VOCAB_SIZE) for _ in range(TICKET_LEN)]
    for pos in rng.sample(range(TICKET_LEN), 2):
        tokens[pos] = 1 + 3 * team + rng.randrange(3)
    return [0] + tokens, team


def make_dataset(n: int, seed: int) -> TensorDataset:
    rng = random.Random(seed)
    rows = [make_ticket(rng) for _ in range(n)]
    return TensorDataset(torch.tensor([r[0] for r in rows]), torch.tensor([r[1] for r in rows]))


class TicketRouter(nn.Module):
    def __init__(self, d_model: int = 32, n_heads: int = 4) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCAB_SIZE, d_model)
        self.positions = nn.Parameter(torch.randn(1, TICKET_LEN + 1, d_model) * 0.02)
        layer = nn.TransformerEncoderLayer(d_model, n_heads, dim_feedforward=64, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=1)
        self.head = nn.Sequential(
            nn.Linear(d_model, N_TEAMS),
            nn.Softmax(dim=-1),  # HERE
        )

    def forward(self, ids: Tensor) -> Tensor:
        h = self.encoder(self.tokens(ids) + self.positions)
        return self.head(h[:, 0])


@torch.no_grad()
def score(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    hits = sum((model(ids).argmax(-1) == team).sum().item() for ids, team in loader)
    return hits / len(loader.dataset)


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    train_loader = DataLoader(make_dataset(1280, 1), batch_size=32, shuffle=True)
    test_loader = DataLoader(make_dataset(400, 2), batch_size=100)
    model = TicketRouter()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    t0 = time.perf_counter()
    for epoch in range(1, 9):
        model.train()
        total = 0.0
        for ids, team in train_loader:
            loss = criterion(model(ids), team)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * ids.shape[0]
        print(f"epoch {epoch} loss={total / len(train_loader.dataset):.4f} "
              f"test_acc={score(model, test_loader):.3f} ({time.perf_counter() - t0:.1f}s)")


if __name__ == "__main__":
    main()
