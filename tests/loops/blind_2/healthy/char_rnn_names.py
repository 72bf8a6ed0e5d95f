"""Classifying surnames with a character-level RNN (one name at a time, manual update), close to the old tutorial"""
import math
import random
import time
import torch
import torch.nn as nn

torch.set_num_threads(1)
random.seed(21); torch.manual_seed(21)

all_letters = "abcdefghijklmnopqrstuvwxyz'"
n_letters = len(all_letters)
rules = {
    "Irish": lambda: "o'" + random.choice(["brien", "hara", "neill", "shea", "connor"]),
    "Polish": lambda: random.choice(["kowal", "wisni", "zielin", "szyman", "now"]) + random.choice(["ski", "czyk", "ewicz"]),
    "Japanese": lambda: random.choice(["ta", "na", "mi", "su"]) + random.choice(["ka", "ga", "zu"]) + random.choice(["mura", "shi", "hara"]),
    "Spanish": lambda: random.choice(["gonz", "ram", "fern", "mart", "hern"]) + random.choice(["alez", "irez", "andez", "inez"]),
}
all_categories = list(rules)
n_categories = len(all_categories)

def letterToIndex(letter):
    return all_letters.find(letter)

def lineToTensor(line):
    tensor = torch.zeros(len(line), 1, n_letters)
    for li, letter in enumerate(line):
        tensor[li][0][letterToIndex(letter)] = 1
    return tensor

class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size, hidden_size)
        self.h2h = nn.Linear(hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        hidden = torch.tanh(self.i2h(input) + self.h2h(hidden))
        output = self.softmax(self.h2o(hidden))
        return output, hidden

    def initHidden(self):
        return torch.zeros(1, self.hidden_size)

def randomTrainingExample():
    category = random.choice(all_categories)
    line = rules[category]()
    return category, line, torch.tensor([all_categories.index(category)]), lineToTensor(line)

rnn = RNN(n_letters, 64, n_categories)
criterion = nn.NLLLoss()
learning_rate = 0.01

def train(category_tensor, line_tensor):
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for i in range(line_tensor.size(0)):
        output, hidden = rnn(line_tensor[i], hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)
    return output, loss.item()

n_iters, print_every = 1000, 125
current_loss, start = 0, time.time()
for it in range(1, n_iters + 1):
    category, line, category_tensor, line_tensor = randomTrainingExample()
    output, loss = train(category_tensor, line_tensor)
    current_loss += loss
    if it % print_every == 0:
        guess = all_categories[output.topk(1)[1][0].item()]
        correct = "v" if guess == category else "x (%s)" % category
        print("%d %d%% (%dm %ds) %.4f %s / %s %s" % (it, it / n_iters * 100, *divmod(int(time.time() - start), 60), current_loss / print_every, line, guess, correct))
        current_loss = 0
