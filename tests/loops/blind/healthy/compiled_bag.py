import random
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(15)
random.seed(15)
torch.set_num_threads(1)

TOPICS = {
    'sport': 'goal match referee team league keeper'.split(),
    'cooking': 'oven butter onion recipe simmer pan'.split(),
    'sailing': 'mast anchor tide harbour jib keel'.split(),
}
COMMON = 'the a was with and then very old new big'.split()
VOCAB = {w: i for i, w in enumerate(COMMON + sum(TOPICS.values(), []))}


def documents(n):
    labels = [random.randrange(3) for _ in range(n)]
    names = list(TOPICS)
    docs = [[VOCAB[random.choice(TOPICS[names[k]] if random.random() < 0.25 else COMMON)] for _ in range(12)]
            for k in labels]
    return torch.tensor(docs), torch.tensor(labels)


class BagClassifier(nn.Module):
    def __init__(self, dim=24):
        super().__init__()
        self.embed = nn.Embedding(len(VOCAB), dim)
        self.hidden = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, 3)

    def forward(self, x):
        return self.out(F.relu(self.hidden(self.embed(x).mean(dim=1))))


raw_model = BagClassifier()
model = torch.compile(raw_model, backend='eager')
optimizer = torch.optim.Adam(raw_model.parameters(), lr=3e-3)
for step in range(1, 201):
    x, y = documents(32)
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 40 == 0:
        print(f'step {step}: {loss.item():.3f}')

raw_model.eval()
x, y = documents(300)
with torch.no_grad():
    print('accuracy', (raw_model(x).argmax(1) == y).float().mean().item())
