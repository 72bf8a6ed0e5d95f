# FAULT: state-thrown-away
import torch, random
from torch import nn

FABLE = '''a fox saw a crow fly off with a piece of cheese in its beak and settle on a branch of a tree .
that is for me as i am a fox said master fox and he walked up to the foot of the tree .
good day mistress crow he cried how well you are looking today how glossy your feathers how bright your eye .
i feel sure your voice must surpass that of other birds just as your figure does .
let me hear but one song from you that i may greet you as the queen of birds .
the crow lifted up her head and began to caw her best but the moment she opened her mouth
the piece of cheese fell to the ground only to be snapped up by master fox .
a hare was making fun of the tortoise one day for being so slow .
do you ever get anywhere he asked with a mocking laugh .
yes replied the tortoise and i get there sooner than you think . i will run you a race and prove it .
the hare was much amused at the idea of running a race with the tortoise .
'''.replace('\n', ' ')


def batches(ids, batch_size, length, n):
    """yields n random (input, target) pairs"""
    for _ in range(n):
        starts = [random.randrange(len(ids) - length - 1) for _ in range(batch_size)]
        yield (torch.stack([ids[s:s + length] for s in starts]),
               torch.stack([ids[s + 1:s + length + 1] for s in starts]))


class Writer(nn.Module):
    def __init__(self, alphabet, hidden=128):
        super().__init__()
        self.alphabet = alphabet
        self.emb = nn.Embedding(len(alphabet), 32)
        self.lstm = nn.LSTM(32, hidden)
        self.dec = nn.Linear(hidden, len(alphabet))

    def forward(self, x, state=None):          # x is (time, batch)
        y, state = self.lstm(self.emb(x), state)
        return self.dec(y), state

    @torch.no_grad()
    def write(self, start, n, temperature=0.5):
        self.eval()
        ids = [self.alphabet.index(c) for c in start]
        logits, state = self(torch.tensor(ids).unsqueeze(1))
        for _ in range(n):
            probs = torch.softmax(logits[-1, 0] / temperature, -1)
            nxt = torch.multinomial(probs, 1).item()
            ids.append(nxt)
            logits, state = self(torch.tensor([[nxt]]))  # HERE
        self.train()
        return ''.join(self.alphabet[i] for i in ids)


def share_of_real_words(text):
    known = set(FABLE.split())
    words = text.split()[:-1]
    return sum(w in known for w in words) / max(1, len(words))


if __name__ == '__main__':
    torch.set_num_threads(1)
    random.seed(99); torch.manual_seed(99)
    alphabet = sorted(set(FABLE))
    ids = torch.tensor([alphabet.index(c) for c in FABLE])
    writer = Writer(alphabet)
    opt = torch.optim.RMSprop(writer.parameters(), lr=2e-3)
    loss_fn = nn.CrossEntropyLoss()
    for step, (x, y) in enumerate(batches(ids, 16, 40, 300), 1):
        logits, _ = writer(x.t())
        loss = loss_fn(logits.flatten(0, 1), y.t().flatten())
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(writer.parameters(), 1.0)
        opt.step()
        if step % 60 == 0:
            sample = writer.write('a fox ', 150)
            print(f'{step} loss={loss.item():.3f} real words={share_of_real_words(sample):.0%}')
            print('   ', sample[:90])
