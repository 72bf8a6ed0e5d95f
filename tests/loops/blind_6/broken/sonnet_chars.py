# FAULT: state-not-detached
# char-level GRU on two sonnets, my first language model :)
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1337)
torch.set_num_threads(1)

text = """Shall I compare thee to a summer's day?
Thou art more lovely and more temperate:
Rough winds do shake the darling buds of May,
And summer's lease hath all too short a date;
Sometime too hot the eye of heaven shines,
And often is his gold complexion dimm'd;
And every fair from fair sometime declines,
By chance or nature's changing course untrimm'd;
But thy eternal summer shall not fade,
Nor lose possession of that fair thou ow'st;
Nor shall death brag thou wander'st in his shade,
When in eternal lines to time thou grow'st:
So long as men can breathe or eyes can see,
So long lives this, and this gives life to thee.
When, in disgrace with fortune and men's eyes,
I all alone beweep my outcast state,
And trouble deaf heaven with my bootless cries,
And look upon myself and curse my fate,
Wishing me like to one more rich in hope,
Featured like him, like him with friends possess'd,
Desiring this man's art and that man's scope,
With what I most enjoy contented least;
Yet in these thoughts myself almost despising,
Haply I think on thee, and then my state,
Like to the lark at break of day arising
From sullen earth, sings hymns at heaven's gate;
For thy sweet love remember'd such wealth brings
That then I scorn to change my state with kings.
"""

chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
itos = {i: c for c, i in stoi.items()}
data = torch.tensor([stoi[c] for c in text])
V = len(chars)
print("chars:", len(text), "vocab:", V)

B, T, H = 4, 25, 96

# B parallel streams through the text
n = (len(data) - 1) // B
xs = data[: B * n].view(B, n)
ys = data[1 : B * n + 1].view(B, n)


class CharGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(V, 32)
        self.gru = nn.GRU(32, H, batch_first=True)
        self.out = nn.Linear(H, V)

    def forward(self, x, h):
        o, h = self.gru(self.emb(x), h)
        return self.out(o), h


net = CharGRU()
opt = torch.optim.Adam(net.parameters(), lr=3e-3)

for epoch in range(40):
    h = torch.zeros(1, B, H)
    total, count = 0.0, 0
    for t in range(0, n - T, T):
        x, y = xs[:, t : t + T], ys[:, t : t + T]
        logits, h = net(x, h)  # HERE
        loss = F.cross_entropy(logits.reshape(-1, V), y.reshape(-1))
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        total += loss.item()
        count += 1
    if epoch % 5 == 0 or epoch == 39:
        print("epoch %d  loss %.3f" % (epoch, total / count))

# sample a bit
with torch.no_grad():
    h = torch.zeros(1, 1, H)
    ix = torch.tensor([[stoi["S"]]])
    s = "S"
    for _ in range(200):
        logits, h = net(ix, h)
        p = F.softmax(logits[0, -1] / 0.7, dim=0)
        ix = torch.multinomial(p, 1).view(1, 1)
        s += itos[ix.item()]
print(s)
