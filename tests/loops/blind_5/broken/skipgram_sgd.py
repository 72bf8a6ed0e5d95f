# FAULT: step-never-called
import random
import torch
import torch.nn.functional as F

random.seed(9)
torch.manual_seed(9)
torch.set_num_threads(1)

# ---- toy corpus: words of a topic show up together ----
topics = {
    "kitchen": ["pan", "oven", "spoon", "plate", "salt", "knife"],
    "sea": ["wave", "ship", "sailor", "harbour", "whale", "anchor"],
    "school": ["teacher", "pupil", "blackboard", "exam", "book", "pencil"],
    "space": ["rocket", "orbit", "planet", "comet", "star", "moon"],
}
words = [w for ws in topics.values() for w in ws]
idx = {w: i for i, w in enumerate(words)}
topic_of = {w: t for t, ws in topics.items() for w in ws}
sentences = [[random.choice(topics[t]) for _ in range(6)] for t in random.choices(list(topics), k=700)]

pairs = []
for s in sentences:
    for i, w in enumerate(s):
        for j in range(max(0, i - 2), min(len(s), i + 3)):
            if i != j:
                pairs.append((idx[w], idx[s[j]]))
pairs = torch.tensor(pairs)
print(len(pairs), "skip-gram pairs")

# ---- model: just two matrices ----
dim, negatives, lr = 12, 5, 8.0
emb_in = (torch.randn(len(words), dim) * 0.3).requires_grad_(True)
emb_out = (torch.randn(len(words), dim) * 0.3).requires_grad_(True)


def neighbour_purity():
    v = F.normalize(emb_in.detach(), dim=1)
    sim = v @ v.T
    sim.fill_diagonal_(-2)
    good = 0
    for i, w in enumerate(words):
        for j in sim[i].topk(3).indices.tolist():
            good += topic_of[words[j]] == topic_of[w]
    return good / (3 * len(words))


step = 0
for epoch in range(4):
    for batch in pairs[torch.randperm(len(pairs))].split(128):
        centre, context = batch[:, 0], batch[:, 1]
        neg = torch.randint(0, len(words), (len(batch), negatives))
        c = emb_in[centre]
        pos_score = (c * emb_out[context]).sum(1)
        neg_score = (c.unsqueeze(1) * emb_out[neg]).sum(2)
        loss = -(F.logsigmoid(pos_score) + F.logsigmoid(-neg_score).sum(1)).mean()
        loss.backward()
        with torch.no_grad():
            for p in (emb_in, emb_out):
                p = p - lr * p.grad  # HERE
        emb_in.grad = None
        emb_out.grad = None
        step += 1
        if step % 100 == 0:
            print("step", step, "loss %.4f" % loss.item(), "purity %.2f" % neighbour_purity())

v = F.normalize(emb_in.detach(), dim=1)
for w in ("whale", "oven", "comet"):
    top = (v @ v[idx[w]]).topk(4).indices.tolist()[1:]
    print(w, "->", [words[i] for i in top])
