"""min-char-rnn in miniature: one sentence, learned by heart.  Batch size 1, plain SGD with momentum,
the loss of each character is backpropagated as soon as it is known (graph kept until the end of the sentence)."""
import torch
import torch.nn as nn

torch.manual_seed(2)
torch.set_num_threads(1)

SENTENCE = "the quick brown fox jumps over"
letters = sorted(set(SENTENCE))
index = {c: i for i, c in enumerate(letters)}
ids = [index[c] for c in SENTENCE]
V, H = len(letters), 64


class VanillaRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.Wxh = nn.Parameter(torch.randn(V, H) * 0.3)
        self.Whh = nn.Parameter(torch.linalg.qr(torch.randn(H, H))[0] * 0.9)
        self.bh = nn.Parameter(torch.zeros(H))
        self.Why = nn.Parameter(torch.randn(H, V) * 0.1)
        self.by = nn.Parameter(torch.zeros(V))

    def step(self, char, h):
        h = torch.tanh(self.Wxh[char] + h @ self.Whh + self.bh)
        return h @ self.Why + self.by, h


def recite(net, n):
    with torch.no_grad():
        h, c, text = torch.zeros(H), ids[0], SENTENCE[0]
        for _ in range(n):
            logits, h = net.step(c, h)
            c = logits.argmax().item()
            text += letters[c]
    return text


net = VanillaRNN()
opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for epoch in range(1, 181):
    opt.zero_grad()
    h = torch.zeros(H)
    total = 0.0
    for t in range(len(ids) - 1):
        logits, h = net.step(ids[t], h)
        loss = nn.functional.cross_entropy(logits.unsqueeze(0), torch.tensor([ids[t + 1]])) / (len(ids) - 1)
        last = t == len(ids) - 2
        loss.backward(retain_graph=not last)
        total += loss.item()
    nn.utils.clip_grad_norm_(net.parameters(), 2.0)
    opt.step()
    if epoch % 20 == 0:
        print(f"{epoch:4d} loss {total:.4f}  {recite(net, len(ids) - 1)}")
