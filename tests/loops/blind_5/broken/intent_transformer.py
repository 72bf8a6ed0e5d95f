# FAULT: sparse-targets
import torch
from torch import nn

torch.manual_seed(28)
torch.set_num_threads(1)

PAD, CLS = 0, 1
VOCAB, MAX_LEN, N_INTENTS = 30, 16, 4


def synthetic_requests(n):
    """Intent k is given away by trigger word 2 + k somewhere in the sentence."""
    toks = torch.full((n, MAX_LEN), PAD)
    labels = torch.zeros(n, dtype=torch.long)
    for i in range(n):
        length = int(torch.randint(5, MAX_LEN - 1, (1,)))
        body = torch.randint(6, VOCAB, (length,))
        where = int(torch.randint(0, length, (1,)))
        labels[i] = torch.randint(0, N_INTENTS, (1,))
        body[where] = 2 + labels[i]
        toks[i, 0] = CLS
        toks[i, 1:length + 1] = body
    return toks, labels


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))
        self.n1 = nn.LayerNorm(d)
        self.n2 = nn.LayerNorm(d)

    def forward(self, x, mask):
        q = self.n1(x)
        x = x + self.attn(q, q, q, key_padding_mask=mask, need_weights=False)[0]
        return x + self.ff(self.n2(x))


class IntentClassifier(nn.Module):
    def __init__(self, d=32, heads=4, depth=2):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Parameter(0.02 * torch.randn(MAX_LEN, d))
        self.blocks = nn.ModuleList(Block(d, heads) for _ in range(depth))
        self.head = nn.Linear(d, N_INTENTS)

    def forward(self, tokens):
        mask = tokens != PAD  # HERE
        x = self.tok(tokens) + self.pos
        for blk in self.blocks:
            x = blk(x, mask)
        return self.head(x[:, 0])


Xtr, ytr = synthetic_requests(1500)
Xte, yte = synthetic_requests(400)
model = IntentClassifier()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
for epoch in range(8):
    model.train()
    for b in torch.randperm(len(Xtr)).split(50):
        loss = nn.functional.cross_entropy(model(Xtr[b]), ytr[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        acc = (model(Xte).argmax(-1) == yte).float().mean()
    print(f"epoch {epoch}: last loss {loss.item():.4f} | accuracy {acc:.3f}")
