# blog post "a character model in 40 lines"
import random
import torch
from torch import nn

random.seed(2)
torch.manual_seed(2)
torch.set_num_threads(1)

birds = ['heron', 'wren', 'crow', 'lark']
text = ' '.join(f'{random.randint(2, 9)} {random.choice(birds)}s on the {random.choice(["roof", "wire", "lawn"])},'
                for _ in range(500))
chars = sorted(set(text))
to_ix = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([to_ix[c] for c in text])

emb = nn.Embedding(len(chars), 32)
rnn = nn.RNN(32, 72, batch_first=True)
fc = nn.Linear(72, len(chars))
weights = list(emb.parameters()) + list(rnn.parameters()) + list(fc.parameters())
opt = torch.optim.RMSprop(weights, lr=2e-3)
lossf = nn.CrossEntropyLoss()

history = []
for step in range(300):
    # 20 windows from anywhere in the text, each from a zero state
    at = torch.randint(len(ids) - 26, (20,))
    win = torch.stack([ids[a:a + 26] for a in at])
    h, _ = rnn(emb(win[:, :-1]))
    loss = lossf(fc(h).transpose(1, 2), win[:, 1:])
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(weights, 0.5)
    opt.step()
    history.append(loss.item())
    if step % 60 == 59:
        print(step + 1, sum(history[-60:]) / 60)

# let it talk
c, h, said = to_ix['h'], None, 'h'
with torch.no_grad():
    for _ in range(60):
        y, h = rnn(emb(torch.tensor([[c]])), h)
        c = torch.multinomial(torch.softmax(fc(y[0, -1]), dim=0), 1).item()
        said += chars[c]
print(said)
