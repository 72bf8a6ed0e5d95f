# Spoken-command style classification of variable-length feature sequences.
# Batches are padded, packed, sorted by the library; the class comes from the final hidden states.
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence
from torch.utils.data import DataLoader, Dataset


class Phrases(Dataset):
    """A phrase is a walk through 3 prototype sounds; order of the sounds is the class."""

    ORDERS = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]

    def __init__(self, n, protos):
        self.items = []
        for _ in range(n):
            c = int(torch.randint(0, 6, (1,)))
            parts = []
            for s in self.ORDERS[c]:
                dur = int(torch.randint(2, 9, (1,)))
                parts.append(protos[s] + 0.7 * torch.randn(dur, protos.size(1)))
            self.items.append((torch.cat(parts), c))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    seqs, labels = zip(*batch)
    lengths = torch.tensor([len(s) for s in seqs])
    return pad_sequence(seqs, padding_value=0.0), lengths, torch.tensor(labels)


class PhraseNet(nn.Module):
    def __init__(self, feats, hidden=32, classes=6):
        super().__init__()
        self.norm = nn.LayerNorm(feats)
        self.rnn = nn.LSTM(feats, hidden, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, classes)

    def forward(self, x, lengths):
        packed = pack_padded_sequence(self.norm(x), lengths, enforce_sorted=False)
        _, (h, _) = self.rnn(packed)
        return self.fc(torch.cat([h[0], h[1]], dim=1))


def main():
    torch.manual_seed(40)
    torch.set_num_threads(1)
    protos = torch.randn(3, 8)
    train = DataLoader(Phrases(700, protos), batch_size=25, shuffle=True, collate_fn=collate)
    test = DataLoader(Phrases(210, protos), batch_size=50, collate_fn=collate)
    net = PhraseNet(8)
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=6e-3, epochs=14, steps_per_epoch=len(train))
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
    for epoch in range(14):
        net.train()
        acc_loss = 0.0
        for x, lengths, y in train:
            opt.zero_grad(set_to_none=True)
            loss = loss_fn(net(x, lengths), y)
            loss.backward()
            opt.step()
            sched.step()
            acc_loss += loss.detach() * len(y)
        net.eval()
        right = 0
        with torch.inference_mode():
            for x, lengths, y in test:
                right += (net(x, lengths).argmax(1) == y).sum().item()
        print(f"{epoch:2d} loss {acc_loss.item() / 700:.3f} test acc {right / 210:.3f} lr {sched.get_last_lr()[0]:.5f}")


main()
