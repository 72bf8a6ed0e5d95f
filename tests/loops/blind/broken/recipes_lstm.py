# FAULT: learning-rate-too-high
# In words: Adam with a learning rate of 1.5, hundreds of times too high for this LSTM
import random
import torch
import torch.nn as nn

config = dict(lr=1.5, hidden=64, layers=2, batch=16, seq=30, epochs=6, seed=77)  # HERE

random.seed(config['seed'])
torch.manual_seed(config['seed'])
torch.set_num_threads(1)


def recipe():
    amount = random.choice(['two cups of', 'a pinch of', 'half a pound of'])
    thing = random.choice(['flour', 'sugar', 'salt', 'butter', 'rice'])
    action = random.choice(['stir well', 'let it rest', 'heat gently', 'serve at once'])
    return f'take {amount} {thing}, {action}. '


text = ''.join(recipe() for _ in range(330))
vocab = {c: i for i, c in enumerate(sorted(set(text)))}
stream = torch.tensor([vocab[c] for c in text])
per_row = len(stream) // config['batch']
rows = stream[:per_row * config['batch']].reshape(config['batch'], per_row)


class CharLSTM(nn.Module):
    def __init__(self, n, hidden, layers):
        super().__init__()
        self.embedding = nn.Embedding(n, 32)
        self.lstm = nn.LSTM(32, hidden, layers, batch_first=True)
        self.fc = nn.Linear(hidden, n)

    def forward(self, x, state=None):
        out, state = self.lstm(self.embedding(x), state)
        return self.fc(out), state


model = CharLSTM(len(vocab), config['hidden'], config['layers'])
optimizer = torch.optim.Adam(model.parameters(), lr=config['lr'])
loss_fn = nn.CrossEntropyLoss()
for epoch in range(config['epochs']):
    state, losses = None, []
    for i in range(0, per_row - 1 - config['seq'], config['seq']):
        x = rows[:, i:i + config['seq']]
        y = rows[:, i + 1:i + 1 + config['seq']]
        if state is not None:
            state = tuple(s.detach() for s in state)
        logits, state = model(x, state)
        loss = loss_fn(logits.reshape(-1, len(vocab)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch}  first {losses[0]:.3f}  last {losses[-1]:.3f}  mean {sum(losses) / len(losses):.3f}")
