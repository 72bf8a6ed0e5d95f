# FAULT: in-no-optimizer
# In words: the recurrent cells sit in a plain Python list, so model.parameters() does not contain them and the optimiser never trains them
import torch
import torch.nn as nn

torch.manual_seed(21)
torch.set_num_threads(1)


class StackedGRU(nn.Module):
    """Several GRU cells on top of each other, unrolled by hand."""

    def __init__(self, n_tokens, width, depth):
        super().__init__()
        self.width = width
        self.embed = nn.Embedding(n_tokens, width)
        self.cells = [nn.GRUCell(width, width) for _ in range(depth)]  # HERE
        self.readout = nn.Linear(width, n_tokens)

    def forward(self, tokens):
        hs = [torch.zeros(tokens.size(0), self.width) for _ in self.cells]
        logits = []
        for t in range(tokens.size(1)):
            x = self.embed(tokens[:, t])
            for k, cell in enumerate(self.cells):
                hs[k] = cell(x, hs[k])
                x = hs[k]
            logits.append(self.readout(x))
        return torch.stack(logits, dim=1)


def sample_sequences(n, length, modulus=7):
    # every token is the sum of the last two, modulo 7
    seq = torch.randint(0, modulus, (n, 2))
    while seq.size(1) < length + 1:
        seq = torch.cat([seq, (seq[:, -1:] + seq[:, -2:-1]) % modulus], dim=1)
    return seq


def main():
    model = StackedGRU(7, 40, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loss_fn = nn.CrossEntropyLoss()
    for step in range(200):
        seq = sample_sequences(32, 8)
        logits = model(seq[:, :-1])
        loss = loss_fn(logits[:, 1:].reshape(-1, 7), seq[:, 2:].reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 49:
            acc = (logits[:, 1:].argmax(-1) == seq[:, 2:]).float().mean()
            print(f'{step + 1:4d} loss {loss.item():.3f} accuracy {acc:.2f}')


main()
