# FAULT: targets-are-inputs
# In words: the targets are the same characters as the inputs (not shifted by one), so the network only learns to copy
import argparse
import random
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader


class TextWindows(Dataset):
    def __init__(self, text, seq_len):
        self.vocab = sorted(set(text))
        lookup = {ch: n for n, ch in enumerate(self.vocab)}
        self.codes = torch.tensor([lookup[ch] for ch in text])
        self.seq_len = seq_len

    def __len__(self):
        return len(self.codes) - self.seq_len - 1

    def __getitem__(self, i):
        window = self.codes[i:i + self.seq_len + 1]
        return window[:-1], window[:self.seq_len]  # HERE


class LanguageModel(nn.Module):
    def __init__(self, n_vocab, n_hidden):
        super().__init__()
        self.lookup = nn.Embedding(n_vocab, n_hidden)
        self.rnn = nn.RNN(n_hidden, n_hidden, batch_first=True)
        self.project = nn.Linear(n_hidden, n_vocab)

    def forward(self, x):
        states, _ = self.rnn(self.lookup(x))
        return self.project(states).transpose(1, 2)      # (batch, vocab, time)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--seq-len', type=int, default=24)
    ap.add_argument('--batch-size', type=int, default=32)
    ap.add_argument('--hidden', type=int, default=64)
    ap.add_argument('--steps', type=int, default=240)
    ap.add_argument('--seed', type=int, default=0)
    opts = ap.parse_args()
    torch.manual_seed(opts.seed)
    random.seed(opts.seed)
    torch.set_num_threads(1)

    rooms = ['kitchen', 'cellar', 'attic', 'hall', 'garden']
    text = ' '.join(f'{random.choice("MTPS")}. is in the {random.choice(rooms)} at {random.randint(1, 12)} o\'clock.'
                    for _ in range(400))
    dataset = TextWindows(text, opts.seq_len)
    loader = DataLoader(dataset, batch_size=opts.batch_size, shuffle=True, drop_last=True)
    model = LanguageModel(len(dataset.vocab), opts.hidden)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()

    for step, (x, y) in enumerate(loader, 1):
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 40 == 0:
            print(f'step {step} loss {loss.item():.4f} perplexity {loss.exp().item():.2f}')
        if step == opts.steps:
            break


if __name__ == '__main__':
    main()
