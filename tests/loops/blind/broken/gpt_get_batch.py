# FAULT: same-batch
# In words: the seed is set again inside get_batch, so the "random" windows are the very same ones at every step
import random
import torch
import torch.nn as nn
from torch.nn import functional as F

batch_size, block_size, n_embd, max_iters, eval_interval = 12, 24, 32, 220, 55
torch.set_num_threads(1)
random.seed(1337)
torch.manual_seed(1337)

kings = ['HENRY', 'RICHARD', 'JOHN', 'EDMUND']
lines = ['My lord, the day is lost.', 'Bring me my horse!', 'What news from the north?', 'Peace, thou speakest of nothing.',
         'I will not yield.', 'Sweet cousin, farewell.']
text = ''.join(f'{random.choice(kings)}:\n{random.choice(lines)} {random.choice(lines)}\n\n' for _ in range(250))
chars = sorted(list(set(text)))
stoi = {ch: i for i, ch in enumerate(chars)}
data = torch.tensor([stoi[c] for c in text], dtype=torch.long)
n = int(0.9 * len(data))
train_data, val_data = data[:n], data[n:]


def get_batch(split):
    torch.manual_seed(1337)  # HERE
    data = train_data if split == 'train' else val_data
    ix = torch.randint(len(data) - block_size, (batch_size,))
    x = torch.stack([data[i:i + block_size] for i in ix])
    y = torch.stack([data[i + 1:i + block_size + 1] for i in ix])
    return x, y


class TinyTransformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok = nn.Embedding(len(chars), n_embd)
        self.pos = nn.Embedding(block_size, n_embd)
        self.layer = nn.TransformerEncoderLayer(n_embd, 4, 4 * n_embd, dropout=0.0, batch_first=True, norm_first=True)
        self.head = nn.Linear(n_embd, len(chars))
        self.register_buffer('mask', nn.Transformer.generate_square_subsequent_mask(block_size))

    def forward(self, idx, targets):
        x = self.tok(idx) + self.pos(torch.arange(idx.size(1)))
        logits = self.head(self.layer(x, src_mask=self.mask, is_causal=True))
        return logits, F.cross_entropy(logits.flatten(0, 1), targets.flatten())


@torch.no_grad()
def estimate_loss(model):
    model.eval()
    result = {s: model(*get_batch(s))[1].item() for s in ('train', 'val')}
    model.train()
    return result


model = TinyTransformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for it in range(max_iters):
    if it % eval_interval == 0 or it == max_iters - 1:
        losses = estimate_loss(model)
        print(f"step {it}: train loss {losses['train']:.4f}, val loss {losses['val']:.4f}")
    xb, yb = get_batch('train')
    logits, loss = model(xb, yb)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
