# FAULT: detach-dropped
# In words: detach() gives back a new tensor and the result is dropped, so the LSTM state still hangs on the previous window's graph, which backward() has freed
import torch
from torch import nn

torch.manual_seed(3)
torch.set_num_threads(1)

text = """the north wind and the sun were disputing which was the stronger,
when a traveler came along wrapped in a warm cloak. they agreed that the one who
first succeeded in making the traveler take his cloak off should be considered
stronger than the other. """ * 20
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
ids = torch.tensor([stoi[c] for c in text])

B, T, H = 8, 20, 64
n = len(ids) // B
data = ids[:n * B].view(B, n)          # every row is one long piece of the text

embed = nn.Embedding(len(chars), 24)
lstm = nn.LSTM(24, H, batch_first=True)
head = nn.Linear(H, len(chars))
params = [*embed.parameters(), *lstm.parameters(), *head.parameters()]
opt = torch.optim.Adam(params, lr=3e-3)

for epoch in range(6):
    state = (torch.zeros(1, B, H), torch.zeros(1, B, H))
    for i in range(0, n - T - 1, T):
        for s in state:
            s.detach()  # HERE
        x, y = data[:, i:i + T], data[:, i + 1:i + T + 1]
        out, state = lstm(embed(x), state)
        loss = nn.functional.cross_entropy(head(out).flatten(0, 1), y.flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        opt.step()
    print(epoch, loss.item())
