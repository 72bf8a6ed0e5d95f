# FAULT: sparse-targets
# In words: inside the time loop the loss is assigned instead of added up, so only the last character of each window is ever trained on
import random
import torch
import torch.nn as nn

random.seed(17)
torch.manual_seed(17)
torch.set_num_threads(1)

verses = ["one for sorrow, two for mirth, ", "three for a funeral, four for birth, ",
          "five for heaven, six for hell, ", "seven for the devil, his own self. "]
text = "".join(random.choice(verses) for _ in range(150))
alphabet = sorted(set(text))
encode = {c: k for k, c in enumerate(alphabet)}
codes = torch.tensor([encode[c] for c in text])
N_HIDDEN, SEQ, BATCH = 48, 16, 16

embedding = nn.Embedding(len(alphabet), N_HIDDEN)
cell = nn.RNNCell(N_HIDDEN, N_HIDDEN)
decoder = nn.Linear(N_HIDDEN, len(alphabet))
modules = nn.ModuleList([embedding, cell, decoder])
optimizer = torch.optim.Adam(modules.parameters(), lr=3e-3)
criterion = nn.CrossEntropyLoss()


def random_batch():
    starts = torch.randint(0, len(codes) - SEQ - 1, (BATCH,))
    block = torch.stack([codes[s:s + SEQ + 1] for s in starts])
    return block[:, :-1], block[:, 1:]


def sample(length=40):
    h, c, result = torch.zeros(1, N_HIDDEN), encode['t'], 't'
    with torch.no_grad():
        for _ in range(length):
            h = cell(embedding(torch.tensor([c])), h)
            c = torch.multinomial(decoder(h).softmax(-1)[0], 1).item()
            result += alphabet[c]
    return result


for iteration in range(1, 301):
    inputs, targets = random_batch()
    h = torch.zeros(BATCH, N_HIDDEN)
    optimizer.zero_grad()
    loss = 0
    for t in range(SEQ):
        h = cell(embedding(inputs[:, t]), h)
        loss = criterion(decoder(h), targets[:, t])  # HERE
    loss.backward()
    nn.utils.clip_grad_norm_(modules.parameters(), 5)
    optimizer.step()
    if iteration % 75 == 0:
        print(iteration, round(loss.item(), 3), repr(sample()))
