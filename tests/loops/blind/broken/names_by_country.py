# FAULT: zeroed-before-step
# In words: the helper clears the gradients after backward() and before step(), so the optimiser never has anything to apply
import random
import torch
import torch.nn as nn

torch.manual_seed(0)
random.seed(0)
torch.set_num_threads(1)

ENDINGS = {'Russian': ['ov', 'sky', 'in'], 'Italian': ['ini', 'elli', 'ato'], 'Japanese': ['moto', 'yama', 'shi']}
ALPHABET = 'abcdefghijklmnopqrstuvwxyz'
CATEGORIES = list(ENDINGS)


def random_example():
    category = random.choice(CATEGORIES)
    stem = ''.join(random.choice(ALPHABET) for _ in range(random.randint(2, 5)))
    name = stem + random.choice(ENDINGS[category])
    t = torch.zeros(len(name), 1, len(ALPHABET))
    for i, c in enumerate(name):
        t[i, 0, ALPHABET.index(c)] = 1
    return category, name, torch.tensor([CATEGORIES.index(category)]), t


class Classifier(nn.Module):
    def __init__(self, hidden=48):
        super().__init__()
        self.rnn = nn.GRU(len(ALPHABET), hidden)
        self.out = nn.Linear(hidden, len(CATEGORIES))

    def forward(self, line):
        _, h = self.rnn(line)
        return self.out(h[0])


class Trainer:
    def __init__(self, model, lr=2e-3):
        self.model = model
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr)

    def optimize(self, loss):
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.zero_grad()  # HERE
        self.optimizer.step()

    def fit(self, n_iters, print_every=150):
        self.model.train()
        current, right = 0.0, 0
        for it in range(1, n_iters + 1):
            category, name, target, line = random_example()
            output = self.model(line)
            loss = self.criterion(output, target)
            self.optimize(loss)
            current += loss.item()
            right += int(output.argmax().item() == target.item())
            if it % print_every == 0:
                print(f'{it:5d}  loss {current / print_every:.4f}  acc {right / print_every:.2f}  ({name} / {category})')
                current, right = 0.0, 0


if __name__ == '__main__':
    Trainer(Classifier()).fit(900)
