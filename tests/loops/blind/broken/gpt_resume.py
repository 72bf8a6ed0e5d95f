# FAULT: other-parameters
# In words: the model is built anew after the optimiser was made, so the optimiser holds the parameters of the first, discarded model
import math
from dataclasses import dataclass
import torch
import torch.nn as nn
from torch.nn import functional as F

torch.manual_seed(1337)
torch.set_num_threads(1)


@dataclass
class GPTConfig:
    block_size: int = 24
    vocab_size: int = 14
    n_head: int = 2
    n_embd: int = 32


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.n_head = c.n_head
        self.ln_1, self.ln_2 = nn.LayerNorm(c.n_embd), nn.LayerNorm(c.n_embd)
        self.c_attn = nn.Linear(c.n_embd, 3 * c.n_embd)
        self.c_proj = nn.Linear(c.n_embd, c.n_embd)
        self.mlp = nn.Sequential(nn.Linear(c.n_embd, 4 * c.n_embd), nn.GELU(), nn.Linear(4 * c.n_embd, c.n_embd))

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = (t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
                   for t in self.c_attn(self.ln_1(x)).split(C, dim=2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.c_proj(y.transpose(1, 2).reshape(B, T, C))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(c.vocab_size, c.n_embd), nn.Embedding(c.block_size, c.n_embd)
        self.h = nn.Sequential(Block(c), Block(c))
        self.ln_f, self.lm_head = nn.LayerNorm(c.n_embd), nn.Linear(c.n_embd, c.vocab_size)

    def forward(self, idx, targets):
        x = self.wte(idx) + self.wpe(torch.arange(idx.size(1)))
        logits = self.lm_head(self.ln_f(self.h(x)))
        return logits, F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))


text = ''.join(f'{a}+{b}={a + b};' for a in range(60) for b in range(1, 40, 3))
itos = sorted(set(text))
data = torch.tensor([itos.index(ch) for ch in text])
config = GPTConfig(vocab_size=len(itos))
model = GPT(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.95))

# init from checkpoint, if we have one in memory
checkpoint = {'model': model.state_dict(), 'config': config, 'iter_num': 0}
model = GPT(checkpoint['config'])  # HERE
model.load_state_dict(checkpoint['model'])
iter_num = checkpoint['iter_num']

while iter_num < 200:
    ix = torch.randint(len(data) - config.block_size - 1, (12,))
    x = torch.stack([data[i:i + config.block_size] for i in ix])
    y = torch.stack([data[i + 1:i + 1 + config.block_size] for i in ix])
    logits, loss = model(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if iter_num % 40 == 0:
        print(f"iter {iter_num}: loss {loss.item():.4f}, random guess {math.log(config.vocab_size):.4f}")
    iter_num += 1
