# FAULT: dropout-too-high
"""Port of the old TF1 language model tutorial (small config) to PyTorch."""
import collections
import torch
import torch.nn as nn

torch.set_num_threads(1)


class SmallConfig(object):
    init_scale = 0.1
    learning_rate = 3e-3
    max_grad_norm = 5
    num_layers = 1
    num_steps = 20
    hidden_size = 64
    keep_prob = 0.95
    batch_size = 10
    max_epoch = 30


RAW = ("the old man went to the sea and the sea was calm <eos> the young girl went to the town "
       "and the town was loud <eos> the old dog ran to the house and the house was warm <eos> "
       "the young cat ran to the tree and the tree was tall <eos> ").split() * 25


class PTBModel(nn.Module):
    def __init__(self, config, vocab_size):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(vocab_size, config.hidden_size)
        self.cell = nn.LSTM(config.hidden_size, config.hidden_size, config.num_layers)
        self.dropout = nn.Dropout(config.keep_prob)  # HERE
        self.softmax_w = nn.Linear(config.hidden_size, vocab_size)
        for p in self.parameters():
            nn.init.uniform_(p, -config.init_scale, config.init_scale)

    def forward(self, inputs, state=None):
        inputs = self.dropout(self.embedding(inputs))
        output, state = self.cell(inputs, state)
        return self.softmax_w(self.dropout(output)), state


def ptb_iterator(ids, batch_size, num_steps):
    per = len(ids) // batch_size
    grid = ids[:per * batch_size].view(batch_size, per).t()
    for i in range((per - 1) // num_steps):
        s = i * num_steps
        yield grid[s:s + num_steps], grid[s + 1:s + num_steps + 1]


def run_epoch(model, ids, optimizer, config):
    costs, iters, state = 0.0, 0, None
    for x, y in ptb_iterator(ids, config.batch_size, config.num_steps):
        logits, state = model(x, state)
        state = tuple(s.detach() for s in state)
        cost = nn.functional.cross_entropy(logits.reshape(-1, logits.size(-1)), y.reshape(-1))
        optimizer.zero_grad()
        cost.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
        optimizer.step()
        costs += cost.item()
        iters += 1
    return costs / iters


torch.manual_seed(12)
config = SmallConfig()
words = [w for w, _ in collections.Counter(RAW).most_common()]
ids = torch.tensor([words.index(w) for w in RAW])
model = PTBModel(config, len(words))
optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
for epoch in range(config.max_epoch):
    cost = run_epoch(model, ids, optimizer, config)
    if epoch % 5 == 4:
        print("Epoch: %d Train Perplexity: %.3f" % (epoch + 1, torch.tensor(cost).exp()))
