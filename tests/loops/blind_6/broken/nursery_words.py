# FAULT: targets-are-inputs
"""Word-level LSTM language model on a handful of nursery rhymes."""
import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

RHYMES = """
the itsy bitsy spider climbed up the water spout . down came the rain and washed the spider out .
out came the sun and dried up all the rain . and the itsy bitsy spider climbed up the spout again .
mary had a little lamb its fleece was white as snow . and everywhere that mary went the lamb was sure to go .
it followed her to school one day which was against the rule . it made the children laugh and play to see a lamb at school .
jack and jill went up the hill to fetch a pail of water . jack fell down and broke his crown and jill came tumbling after .
humpty dumpty sat on a wall . humpty dumpty had a great fall .
all the king's horses and all the king's men could not put humpty together again .
hickory dickory dock the mouse ran up the clock . the clock struck one the mouse ran down . hickory dickory dock .
twinkle twinkle little star how i wonder what you are . up above the world so high like a diamond in the sky .
little miss muffet sat on a tuffet eating her curds and whey .
along came a spider who sat down beside her and frightened miss muffet away .
"""


@dataclass
class Config:
    seq_len: int = 12
    batch_size: int = 16
    embed_dim: int = 48
    hidden_dim: int = 96
    lr: float = 4e-3
    epochs: int = 16
    seed: int = 7


class RhymeDataset(Dataset):
    def __init__(self, text, seq_len):
        self.words = text.split()
        self.vocab = sorted(set(self.words))
        self.word2id = {w: i for i, w in enumerate(self.vocab)}
        self.ids = torch.tensor([self.word2id[w] for w in self.words])
        self.seq_len = seq_len

    def __len__(self):
        return len(self.ids) - self.seq_len - 1

    def __getitem__(self, idx):
        inputs = self.ids[idx : idx + self.seq_len]
        targets = self.ids[idx : idx + self.seq_len]  # HERE
        return inputs, targets


class WordLSTM(nn.Module):
    def __init__(self, vocab_size, cfg):
        super().__init__()
        self.embed = nn.Embedding(vocab_size, cfg.embed_dim)
        self.lstm = nn.LSTM(cfg.embed_dim, cfg.hidden_dim, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(cfg.hidden_dim, vocab_size)

    def forward(self, ids, state=None):
        out, state = self.lstm(self.embed(ids), state)
        return self.fc(self.drop(out)), state


class Trainer:
    def __init__(self, model, loader, cfg):
        self.model, self.loader, self.cfg = model, loader, cfg
        self.criterion = nn.CrossEntropyLoss()
        self.optim = torch.optim.Adam(model.parameters(), lr=cfg.lr)
        self.updates = 0

    def fit(self):
        for epoch in range(1, self.cfg.epochs + 1):
            self.model.train()
            running, hits, seen = 0.0, 0, 0
            for inputs, targets in self.loader:
                self.optim.zero_grad()
                logits, _ = self.model(inputs)
                loss = self.criterion(logits.flatten(0, 1), targets.flatten())
                loss.backward()
                self.optim.step()
                self.updates += 1
                running += loss.item() * inputs.size(0)
                hits += (logits.argmax(-1) == targets).sum().item()
                seen += inputs.size(0)
            acc = hits / (seen * self.cfg.seq_len)
            print(f"epoch {epoch:2d} | loss {running / seen:.4f} | acc {acc:.3f}")
        print("updates:", self.updates)

    @torch.no_grad()
    def complete(self, prompt, dataset, n=12):
        self.model.eval()
        words = prompt.split()
        ids = torch.tensor([[dataset.word2id[w] for w in words]])
        state = None
        for _ in range(n):
            logits, state = self.model(ids, state)
            ids = logits[:, -1:].argmax(-1)
            words.append(dataset.vocab[ids.item()])
        return " ".join(words)


def main():
    torch.set_num_threads(1)
    cfg = Config()
    random.seed(cfg.seed)
    torch.manual_seed(cfg.seed)
    ds = RhymeDataset(RHYMES, cfg.seq_len)
    loader = DataLoader(ds, batch_size=cfg.batch_size, shuffle=True)
    model = WordLSTM(len(ds.vocab), cfg)
    trainer = Trainer(model, loader, cfg)
    trainer.fit()
    for prompt in ["humpty dumpty", "mary had a", "the mouse ran"]:
        print(">", trainer.complete(prompt, ds))


if __name__ == "__main__":
    main()
