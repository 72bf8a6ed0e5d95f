# FAULT: state-not-detached
"""An RNN from scratch: weights as plain tensors, a window of characters per update."""

import torch
import torch.nn.functional as F  # noqa: N812

torch.manual_seed(14)
torch.set_num_threads(1)

TEXT = """a wise old owl lived in an oak. the more he saw the less he spoke.
the less he spoke the more he heard. why can't we all be like that bird?
"""
text = TEXT * 60
vocab = {c: i for i, c in enumerate(sorted(set(text)))}
size = len(vocab)
encoded = torch.tensor([vocab[c] for c in text])
hidden_size = 64
window = 20


def parameter(*shape):
    return (0.08 * torch.randn(*shape)).requires_grad_()


w_xh = parameter(size, hidden_size)
w_hh = parameter(hidden_size, hidden_size)
b_h = torch.zeros(hidden_size, requires_grad=True)
w_hy = parameter(hidden_size, size)
b_y = torch.zeros(size, requires_grad=True)
optimizer = torch.optim.Adam([w_xh, w_hh, b_h, w_hy, b_y], lr=2e-3)


def forward(indices, h):
    outputs = []
    for x in F.one_hot(indices, size).float():
        h = torch.tanh(x @ w_xh + h @ w_hh + b_h)
        outputs.append(h @ w_hy + b_y)
    return torch.stack(outputs), h


def train():
    h = torch.zeros(hidden_size)
    for step, start in enumerate(range(0, len(encoded) - window - 1, window)):
        inputs = encoded[start : start + window]
        targets = encoded[start + 1 : start + window + 1]
        optimizer.zero_grad()
        outputs, h = forward(inputs, h)
        loss = F.cross_entropy(outputs, targets)
        loss.backward()
        optimizer.step()
        if step % 100 == 0:
            print(f"step {step}: {loss.item():.3f}")


train()
