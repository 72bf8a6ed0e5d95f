# FAULT: loss-without-its-graph
import random, string
import torch
import torch.nn as nn

torch.set_num_threads(1)
random.seed(0); torch.manual_seed(0)

all_letters = string.ascii_lowercase
n_letters = len(all_letters) + 1  # plus EOS marker
syll = ["ka", "ri", "mo", "ten", "shi", "lu", "zan"]
names = ["".join(random.sample(syll, random.randint(2, 3))) for _ in range(300)]

def inputTensor(line):
    t = torch.zeros(len(line), 1, n_letters)
    for li, ch in enumerate(line):
        t[li][0][all_letters.find(ch)] = 1
    return t

def targetTensor(line):
    idx = [all_letters.find(ch) for ch in line[1:]]
    idx.append(n_letters - 1)
    return torch.LongTensor(idx)

class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.o2o = nn.Linear(hidden_size + output_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, x, hidden):
        c = torch.cat((x, hidden), 1)
        hidden = torch.tanh(self.i2h(c))
        out = self.o2o(torch.cat((hidden, self.i2o(c)), 1))
        return self.softmax(out), hidden

    def initHidden(self):
        return torch.zeros(1, self.hidden_size)

rnn = RNN(n_letters, 64, n_letters)
criterion = nn.NLLLoss()
optimizer = torch.optim.Adam(rnn.parameters(), lr=0.002)

def train(line):
    inp, target = inputTensor(line), targetTensor(line)
    hidden = rnn.initHidden()
    optimizer.zero_grad()
    step_losses = []
    for i in range(inp.size(0)):
        output, hidden = rnn(inp[i], hidden)
        step_losses.append(float(criterion(output, target[i:i + 1])))
    loss = torch.tensor(step_losses, requires_grad=True).mean()  # HERE
    loss.backward()
    optimizer.step()
    return loss.item()

total_loss, all_losses = 0, []
for it in range(1, 801):
    total_loss += train(random.choice(names))
    if it % 100 == 0:
        all_losses.append(total_loss / 100)
        print("%d (%d%%) %.4f" % (it, it / 800 * 100, total_loss / 100))
        total_loss = 0
