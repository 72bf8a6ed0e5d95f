# FAULT: learning-rate-too-low
# ruff: noqa: ERA001
"""Character-level LSTM on a song, in parallel streams whose state is carried."""

import torch
import torch.nn as nn
import torch.nn.functional as F  # noqa: N812

torch.manual_seed(90)
torch.set_num_threads(1)

SONG = (
    "row, row, row your boat, gently down the stream. merrily, merrily, merrily, merrily, life is but a dream. "
    "row, row, row your boat, gently up the creek. if you see a little mouse, don't forget to squeak. "
)
text = SONG * 113
vocab = sorted(set(text))
data = torch.tensor([vocab.index(ch) for ch in text])


class SongModel(nn.Module):
    def __init__(self, n_vocab, n_hidden=40):
        super().__init__()
        self.emb = nn.Embedding(n_vocab, 20)
        self.lstm = nn.LSTM(20, n_hidden)
        self.fc = nn.Linear(n_hidden, n_vocab)

    def forward(self, x, state=None):
        out, state = self.lstm(self.emb(x), state)
        return self.fc(out), state


def detach(state):
    return [s.detach() for s in state]


config = {"lr": 1e-8, "bptt": 15, "batch_size": 10, "clip": 1.0}  # HERE
columns = len(data) // config["batch_size"]
streams = data[: columns * config["batch_size"]].view(config["batch_size"], columns).t()
model = SongModel(len(vocab))
optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])

state, losses = None, []
for i in range(0, columns - config["bptt"] - 1, config["bptt"]):
    x = streams[i : i + config["bptt"]]
    y = streams[i + 1 : i + config["bptt"] + 1]
    logits, state = model(x, detach(state) if state else None)
    loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), config["clip"])
    optimizer.step()
    losses.append(loss.item())
print(f"{len(losses)} updates: {sum(losses[:20]) / 20:.4f} -> {sum(losses[-20:]) / 20:.4f}")
