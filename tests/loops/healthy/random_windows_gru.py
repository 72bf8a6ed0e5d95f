# GRU on windows drawn at random; each window starts with a fresh state.
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

torch.manual_seed(1337)
torch.set_num_threads(1)

verse = (
    "one for the money and two for the show, three to get ready and four to go. "
    "five little ducks went out one day over the hills and far away. "
    "six geese a laying, seven swans a swimming, eight maids a milking. "
    "nine ladies dancing all the night and ten lords leaping at first light. "
)
text = verse * 30
vocab = sorted(set(text))
encode = {c: i for i, c in enumerate(vocab)}
data = torch.tensor([encode[c] for c in text], dtype=torch.long)

BLOCK, BATCH, STEPS = 24, 10, 160


def get_batch():
    ix = torch.randint(len(data) - BLOCK - 1, (BATCH,))
    x = torch.stack([data[i : i + BLOCK] for i in ix])
    y = torch.stack([data[i + 1 : i + BLOCK + 1] for i in ix])
    return x, y


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(len(vocab), 32)
        self.gru = nn.GRU(32, 40, batch_first=True)
        self.head = nn.Linear(40, len(vocab))

    def forward(self, idx, h=None):
        out, h = self.gru(self.emb(idx), h)
        return self.head(out), h

    def generate(self, n):
        idx, h, chars = torch.zeros(1, 1, dtype=torch.long), None, []
        for _ in range(n):
            logits, h = self(idx, h)
            idx = torch.distributions.Categorical(logits=logits[:, -1]).sample().view(1, 1)
            chars.append(vocab[idx.item()])
        return "".join(chars)


model = Model()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=2e-2, total_steps=STEPS)

for step in range(STEPS):
    xb, yb = get_batch()
    logits, _ = model(xb)
    loss = F.cross_entropy(logits.view(-1, len(vocab)), yb.view(-1))
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    sched.step()
    if step % 40 == 0 or step == STEPS - 1:
        print(f"{step:4d} {loss.item():.3f} {model.generate(30)!r}")
