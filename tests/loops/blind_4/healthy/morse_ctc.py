"""Decode noisy morse-like audio envelopes with a BiGRU and CTC."""
import random
import torch
import torch.nn as nn

random.seed(44)
torch.manual_seed(44)
torch.set_num_threads(1)

MORSE = {"a": ".-", "e": ".", "n": "-.", "t": "-", "i": "..", "m": "--"}
LETTERS = list(MORSE)


def render(word):
    env = [0.0] * random.randint(1, 3)
    for ch in word:
        for sym in MORSE[ch]:
            env += [1.0] * (2 if sym == "." else 5) + [0.0] * 2
        env += [0.0] * 4
    return torch.tensor(env) + 0.1 * torch.randn(len(env))


def batch(n):
    words = ["".join(random.choice(LETTERS) for _ in range(random.randint(1, 3))) for _ in range(n)]
    waves = [render(w) for w in words]
    lens = torch.tensor([len(w) for w in waves])
    x = nn.utils.rnn.pad_sequence(waves).unsqueeze(-1)
    targets = torch.tensor([LETTERS.index(c) + 1 for w in words for c in w])
    tlens = torch.tensor([len(w) for w in words])
    return x, lens, targets, tlens, words


class MorseNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 16, 5, padding=2)
        self.gru = nn.GRU(16, 32, bidirectional=True)
        self.fc = nn.Linear(64, len(LETTERS) + 1)

    def forward(self, x):
        z = torch.relu(self.conv(x.permute(1, 2, 0))).permute(2, 0, 1)
        y, _ = self.gru(z)
        return self.fc(y).log_softmax(-1)


def greedy(logp, lens):
    out = []
    for b in range(logp.size(1)):
        best = logp[: lens[b], b].argmax(-1).tolist()
        word, prev = "", 0
        for k in best:
            if k != prev and k != 0:
                word += LETTERS[k - 1]
            prev = k
        out.append(word)
    return out


net = MorseNet()
ctc = nn.CTCLoss(blank=0, zero_infinity=True)
opt = torch.optim.Adam(net.parameters(), lr=8e-3)
running = []
for step in range(1, 331):
    x, lens, targets, tlens, _ = batch(20)
    loss = ctc(net(x), targets, lens, tlens)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 5.0)
    opt.step()
    running.append(loss.item())
    if step % 55 == 0:
        net.eval()
        with torch.no_grad():
            x, lens, _, _, words = batch(60)
            hyp = greedy(net(x), lens)
        net.train()
        ok = sum(h == w for h, w in zip(hyp, words)) / 60
        print(f"step {step} ctc {sum(running) / len(running):.3f} words right {ok:.2f} e.g. {words[0]} -> {hyp[0]}")
        running = []
