"""Character-level LSTM with truncated back-propagation through time."""

import random

import torch
import torch.nn as nn

torch.manual_seed(1)
random.seed(1)
torch.set_num_threads(1)

who = ["the cat", "a dog", "my sister", "the old man", "nobody"]
does = ["sees", "likes", "follows", "paints", "forgets"]
what = ["the moon", "a red house", "some bread", "the river", "an apple"]
text = " ".join(f"{random.choice(who)} {random.choice(does)} {random.choice(what)}." for _ in range(1200))

chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text])

batch_size, window, epochs = 16, 20, 2
length = (len(data) - 1) // batch_size
inputs = data[: length * batch_size].view(batch_size, length)
targets = data[1 : length * batch_size + 1].view(batch_size, length)


class CharLSTM(nn.Module):
    def __init__(self, vocab, hidden=48):
        super().__init__()
        self.embed = nn.Embedding(vocab, 24)
        self.lstm = nn.LSTM(24, hidden, batch_first=True)
        self.out = nn.Linear(hidden, vocab)

    def forward(self, x, state=None):
        y, state = self.lstm(self.embed(x), state)
        return self.out(y), state


model = CharLSTM(len(chars))
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
steps = epochs * ((length + window - 1) // window)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
criterion = nn.CrossEntropyLoss()


@torch.no_grad()
def sample(start="t", n=60):
    state, result = None, start
    x = torch.tensor([[stoi[start]]])
    for _ in range(n):
        logits, state = model(x, state)
        x = torch.multinomial(logits[0, -1].softmax(-1), 1).view(1, 1)
        result += chars[x.item()]
    return result


for epoch in range(epochs):
    state = None
    total, count = 0.0, 0
    for start in range(0, length, window):
        x, y = inputs[:, start : start + window], targets[:, start : start + window]
        if state is not None:
            state = tuple(s.detach() for s in state)
        logits, state = model(x, state)
        loss = criterion(logits.reshape(-1, len(chars)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        total += loss.item()
        count += 1
    print(f"epoch {epoch}: loss {total / count:.3f}, last {loss.item():.3f}  {sample()!r}")
