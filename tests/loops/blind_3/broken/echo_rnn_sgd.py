# FAULT: not-called
import torch, torch.nn as nn
torch.set_num_threads(1)
torch.manual_seed(33)

# echo task from the course notes: output the bit seen two steps ago
def make(bs, T=20):
    bits = torch.randint(0, 2, (bs, T))
    target = torch.zeros_like(bits)
    target[:, 2:] = bits[:, :-2]
    return bits.float().unsqueeze(-1) * 2 - 1, target

class EchoRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(1, 32, batch_first=True)
        self.fc = nn.Linear(32, 2)

    def forward(self, x):
        o, _ = self.rnn(x)
        return self.fc(o)

model = EchoRNN()
opt = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
crit = nn.CrossEntropyLoss()

losses = []
for i in range(400):
    x, y = make(32)
    opt.zero_grad  # HERE
    logits = model(x)
    loss = crit(logits[:, 2:].reshape(-1, 2), y[:, 2:].reshape(-1))
    loss.backward()
    opt.step()
    losses.append(loss.item())
    if (i + 1) % 50 == 0:
        print(f"iter {i+1}: loss {sum(losses[-50:])/50:.4f}")

with torch.no_grad():
    x, y = make(200)
    acc = (model(x).argmax(-1)[:, 2:] == y[:, 2:]).float().mean()
print("echo accuracy:", acc.item())
