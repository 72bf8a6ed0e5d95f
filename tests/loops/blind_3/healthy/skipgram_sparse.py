"""Skip-gram with negative sampling; sparse embeddings under SparseAdam, the bias under ordinary Adam."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(81)

GROUPS = [["cat", "dog", "horse", "cow"], ["car", "bus", "train", "plane"], ["apple", "pear", "plum", "cherry"]]
vocab = [w for g in GROUPS for w in g]


def pair_batch(n):
    """centre and context come from the same topic; negatives from anywhere"""
    topic = torch.randint(0, 3, (n,))
    centre = topic * 4 + torch.randint(0, 4, (n,))
    context = topic * 4 + torch.randint(0, 4, (n,))
    negative = torch.randint(0, len(vocab), (n, 5))
    return centre, context, negative


class SkipGram(nn.Module):
    def __init__(self, v, d=12):
        super().__init__()
        self.u = nn.Embedding(v, d, sparse=True)
        self.v = nn.Embedding(v, d, sparse=True)
        self.bias = nn.Parameter(torch.zeros(1))
        nn.init.uniform_(self.u.weight, -0.5 / d, 0.5 / d)
        nn.init.zeros_(self.v.weight)

    def forward(self, c, o, neg):
        cu = self.u(c)
        pos = (cu * self.v(o)).sum(1) + self.bias
        bad = torch.bmm(self.v(neg), cu.unsqueeze(2)).squeeze(2) + self.bias
        return -(F.logsigmoid(pos) + F.logsigmoid(-bad).sum(1)).mean()


model = SkipGram(len(vocab))
sparse_opt = torch.optim.SparseAdam([model.u.weight, model.v.weight], lr=0.02)
dense_opt = torch.optim.Adam([model.bias], lr=0.01)

for step in range(1, 301):
    loss = model(*pair_batch(48))
    sparse_opt.zero_grad()
    dense_opt.zero_grad()
    loss.backward()
    sparse_opt.step()
    dense_opt.step()
    if step % 50 == 0 or step == 1:
        print(f"step {step} loss {loss.item():.3f}")

with torch.no_grad():
    e = F.normalize(model.u.weight, dim=1)
    sim = e @ e.t() - 2 * torch.eye(len(vocab))
for w in ("cat", "bus", "plum"):
    print(w, "->", [vocab[i] for i in sim[vocab.index(w)].topk(3).indices])
