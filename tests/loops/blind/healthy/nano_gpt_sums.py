import math
import torch
import torch.nn as nn
from torch.nn import functional as F

# hyperparameters
batch_size, block_size, n_embd, n_head, n_layer = 16, 20, 32, 4, 2
max_iters, warmup_iters, learning_rate, min_lr, eval_interval, eval_iters = 260, 30, 4e-3, 0.0, 65, 4
torch.manual_seed(1337)
torch.set_num_threads(1)

text = ''.join(f'{a}x{b}={a * b}\n' for a in range(2, 32) for b in range(2, 12))
chars = sorted(set(text))
encode = lambda s: [chars.index(c) for c in s]
decode = lambda l: ''.join(chars[i] for i in l)
data = torch.tensor(encode(text))


def get_batch():
    ix = torch.randint(len(data) - block_size, (batch_size,))
    return (torch.stack([data[i:i + block_size] for i in ix]), torch.stack([data[i + 1:i + block_size + 1] for i in ix]))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(n_embd), nn.LayerNorm(n_embd)
        self.qkv, self.proj = nn.Linear(n_embd, 3 * n_embd, bias=False), nn.Linear(n_embd, n_embd)
        self.ffwd = nn.Sequential(nn.Linear(n_embd, 4 * n_embd), nn.ReLU(), nn.Linear(4 * n_embd, n_embd))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(self.ln1(x)).view(B, T, 3, n_head, C // n_head).permute(2, 0, 3, 1, 4)
        att = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, C)
        x = x + self.proj(att)
        return x + self.ffwd(self.ln2(x))


class GPT(nn.Module):
    def __init__(self):
        super().__init__()
        self.tok, self.pos = nn.Embedding(len(chars), n_embd), nn.Embedding(block_size, n_embd)
        self.blocks, self.ln, self.head = nn.Sequential(*[Block() for _ in range(n_layer)]), nn.LayerNorm(n_embd), nn.Linear(n_embd, len(chars))

    def forward(self, idx, targets=None):
        logits = self.head(self.ln(self.blocks(self.tok(idx) + self.pos(torch.arange(idx.size(1))))))
        return logits, None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())

    @torch.no_grad()
    def generate(self, idx, n):
        for _ in range(n):
            logits, _ = self(idx[:, -block_size:])
            idx = torch.cat([idx, torch.multinomial(logits[:, -1].softmax(-1), 1)], dim=1)
        return idx


def get_lr(it):
    if it < warmup_iters:
        return learning_rate * it / warmup_iters          # the very first step has rate 0
    ratio = (it - warmup_iters) / (max_iters - warmup_iters)
    return min_lr + 0.5 * (1 + math.cos(math.pi * ratio)) * (learning_rate - min_lr)


model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate)
for it in range(max_iters + 1):
    for group in optimizer.param_groups:
        group['lr'] = get_lr(it)
    if it % eval_interval == 0:
        model.eval()
        with torch.no_grad():
            est = sum(model(*get_batch())[1].item() for _ in range(eval_iters)) / eval_iters
        print(f'iter {it}: loss {est:.4f} lr {get_lr(it):.1e}', repr(decode(model.generate(data[:1][None], 20)[0].tolist())))
        model.train()
    logits, loss = model(*get_batch())
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
