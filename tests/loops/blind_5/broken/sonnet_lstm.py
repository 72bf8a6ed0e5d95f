# FAULT: state-not-detached
# char level language model, converted from my notebook
# In[1]:
import torch
from torch import nn
torch.manual_seed(0)
torch.set_num_threads(1)

# In[2]:
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
""" * 6
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])
print(len(text), "characters,", len(chars), "unique")

# In[3]:
B, T = 10, 32
n = (len(ids) - 1) // B
xs = ids[:n * B].view(B, n)
ys = ids[1:n * B + 1].view(B, n)

# In[4]:
class CharLM(nn.Module):
    def __init__(self, vocab, hid=96):
        super().__init__()
        self.emb = nn.Embedding(vocab, 32)
        self.lstm = nn.LSTM(32, hid, batch_first=True)
        self.out = nn.Linear(hid, vocab)

    def forward(self, x, state=None):
        y, state = self.lstm(self.emb(x), state)
        return self.out(y), state

lm = CharLM(len(chars))
optimizer = torch.optim.Adam(lm.parameters(), lr=4e-3)
criterion = nn.CrossEntropyLoss()

# In[5]:
for epoch in range(25):
    state = None
    total, count = 0.0, 0
    for i in range(0, n - T, T):
        xb, yb = xs[:, i:i + T], ys[:, i:i + T]
        logits, (h, c) = lm(xb, state)
        loss = criterion(logits.reshape(-1, len(chars)), yb.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        state = (h.detach(), c)  # HERE
        total += loss.item()
        count += 1
    if epoch % 4 == 0 or epoch == 24:
        print("epoch", epoch, "loss %.3f" % (total / count))

# In[6]:
with torch.no_grad():
    s, cur, res = None, torch.tensor([[stoi["S"]]]), "S"
    for _ in range(150):
        o, s = lm(cur, s)
        cur = torch.multinomial(o[:, -1].softmax(-1), 1)
        res += chars[cur.item()]
print(res)
