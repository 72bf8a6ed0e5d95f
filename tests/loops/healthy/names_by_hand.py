"""Which language is a name from? A character RNN written by hand, one name per update, SGD by hand."""

import random

import torch
import torch.nn as nn

torch.manual_seed(3)
random.seed(3)
torch.set_num_threads(1)

ENDINGS = {
    "Italian": ["ini", "etti", "elli", "ozzi"],
    "Polish": ["ski", "wicz", "czyk", "cki"],
    "Greek": ["opoulos", "akis", "idis", "atos"],
}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
CATEGORIES = list(ENDINGS)


def make_name(category):
    stem = "".join(random.choice("bdfgklmnprst") + random.choice("aeiou") for _ in range(random.randint(1, 2)))
    return stem + random.choice(ENDINGS[category])


def name_to_tensor(name):
    tensor = torch.zeros(len(name), 1, len(LETTERS))
    for i, letter in enumerate(name):
        tensor[i][0][LETTERS.index(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size, hidden_size)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, x, hidden):
        hidden = torch.tanh(self.i2h(x) + self.h2h(hidden))
        return self.softmax(self.h2o(hidden)), hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


rnn = RNN(len(LETTERS), 32, len(CATEGORIES))
criterion = nn.NLLLoss()
learning_rate = 0.05


def train(category_tensor, line_tensor):
    hidden = rnn.init_hidden()
    rnn.zero_grad()
    for letter in line_tensor:
        output, hidden = rnn(letter, hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)
    return output, loss.item()


current_loss, hits = 0.0, 0
for n in range(1, 1001):
    category = random.choice(CATEGORIES)
    target = torch.tensor([CATEGORIES.index(category)])
    output, loss = train(target, name_to_tensor(make_name(category)))
    current_loss += loss
    hits += int(output.argmax(1).item() == target.item())
    if n % 200 == 0:
        print(f"{n} names, mean loss {current_loss / 200:.3f}, right {hits / 200:.0%}")
        current_loss, hits = 0.0, 0
