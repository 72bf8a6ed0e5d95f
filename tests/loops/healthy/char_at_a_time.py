"""Learn a text one character per update, carrying the hidden state along."""

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(0)
torch.set_num_threads(1)

TEXT = "the rain in spain stays mainly in the plain. how now brown cow? " * 16
CHARS = sorted(set(TEXT))
INDEX = {c: i for i, c in enumerate(CHARS)}
HIDDEN = 48


class OneStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.RNNCell(len(CHARS), HIDDEN)
        self.decode = nn.Linear(HIDDEN, len(CHARS))

    def forward(self, x, h):
        h = self.cell(x, h)
        return self.decode(h), h


def one_hot(char):
    v = torch.zeros(1, len(CHARS))
    v[0, INDEX[char]] = 1.0
    return v


def main():
    net = OneStep()
    opt = optim.Adagrad(net.parameters(), lr=0.05)
    loss_fn = nn.CrossEntropyLoss()
    h = torch.zeros(1, HIDDEN)
    smooth = None
    for i in range(len(TEXT) - 1):
        logits, h = net(one_hot(TEXT[i]), h)
        loss = loss_fn(logits, torch.tensor([INDEX[TEXT[i + 1]]]))
        opt.zero_grad()
        loss.backward()
        opt.step()
        h = h.detach()
        smooth = loss.item() if smooth is None else 0.99 * smooth + 0.01 * loss.item()
        if i % 250 == 0:
            print("char", i, "smoothed loss", round(smooth, 3))
    print("end", round(smooth, 3))


if __name__ == "__main__":
    main()
