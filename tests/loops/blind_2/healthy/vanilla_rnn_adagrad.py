"""
Vanilla RNN with hand-written Adagrad, one stream of text, the loss of a window is the sum over its characters.
The state goes on from window to window (as values only) and starts again whenever the text starts again.
"""
import torch
torch.set_num_threads(1)
torch.manual_seed(1)

verse = "the rain in spain stays mainly in the plain. " * 3 + "how now brown cow. " * 4
data = verse * 6
chars = list(dict.fromkeys(data))
data_size, vocab_size = len(data), len(chars)
print("data has %d characters, %d unique." % (data_size, vocab_size))
char_to_ix = {ch: i for i, ch in enumerate(chars)}

hidden_size, seq_length, learning_rate = 64, 20, 0.07

Wxh = torch.randn(hidden_size, vocab_size) * 0.03
Whh = torch.randn(hidden_size, hidden_size) * 0.03
Why = torch.randn(vocab_size, hidden_size) * 0.03
bh = torch.zeros(hidden_size, 1)
by = torch.zeros(vocab_size, 1)
weights = [Wxh, Whh, Why, bh, by]
for w in weights:
    w.requires_grad_(True)
memory = [torch.zeros_like(w) for w in weights]

def step(ix, h):
    h = torch.tanh(Wxh[:, ix:ix + 1] + Whh @ h + bh)
    return h, Why @ h + by

def window_loss(inputs, targets, h):
    logits = []
    for ix in inputs:
        h, y = step(ix, h)
        logits.append(y.squeeze(1))
    loss = torch.nn.functional.cross_entropy(torch.stack(logits), torch.tensor(targets), reduction="sum")
    return loss, h.detach()

@torch.no_grad()
def sample(h, ix, n):
    out = []
    for _ in range(n):
        h, y = step(ix, h)
        ix = torch.multinomial(torch.softmax(y.squeeze(1), 0), 1).item()
        out.append(chars[ix])
    return "".join(out)

n, p = 0, 0
smooth_loss = torch.log(torch.tensor(float(vocab_size))).item() * seq_length
hprev = torch.zeros(hidden_size, 1)
while n < 600:
    if p + seq_length + 1 >= data_size:
        hprev = torch.zeros(hidden_size, 1)
        p = 0
    inputs = [char_to_ix[ch] for ch in data[p:p + seq_length]]
    targets = [char_to_ix[ch] for ch in data[p + 1:p + seq_length + 1]]
    if n % 100 == 0:
        print("----\n %s \n----" % sample(hprev, inputs[0], 60))
    loss, hprev = window_loss(inputs, targets, hprev)
    grads = torch.autograd.grad(loss, weights)
    smooth_loss = smooth_loss * 0.99 + loss.item() * 0.01
    if n % 100 == 0:
        print("iter %d, loss: %f" % (n, smooth_loss))
    with torch.no_grad():
        for w, g, m in zip(weights, grads, memory):
            g = g.clamp(-5, 5)
            m += g * g
            w -= learning_rate * g / torch.sqrt(m + 1e-8)
    p += seq_length
    n += 1
print("iter %d, loss: %f" % (n, smooth_loss))
