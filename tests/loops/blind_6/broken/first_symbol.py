# FAULT: bptt-too-short
'''
Does a vanilla RNN remember the first symbol?

The net sees 10 symbols and has to tell at the end what the first one was.
Everything written by hand, I wanted to understand what nn.RNN does.
'''
import torch

torch.set_num_threads(1)
torch.manual_seed(3)

K = 6          # number of symbols
L = 10         # length of a sequence
HID = 32

# parameters
Wxh = torch.randn(K, HID) * 0.1
Whh = torch.eye(HID) * 0.9 + torch.randn(HID, HID) * 0.01
bh = torch.zeros(HID)
Why = torch.randn(HID, K) * 0.1
by = torch.zeros(K)
params = [Wxh, Whh, bh, Why, by]
for p in params:
    p.requires_grad_(True)


def rnn(seq):
    # seq: (N, L) integers
    h = torch.zeros(seq.shape[0], HID)
    for t in range(L):
        h = torch.tanh(Wxh[seq[:, t]] + h.detach() @ Whh + bh)  # HERE
    return h @ Why + by


def get_batch(n):
    seq = torch.randint(0, K, (n, L))
    return seq, seq[:, 0]


optimizer = torch.optim.Adam(params, lr=3e-3)
avg = None
for it in range(1501):
    seq, target = get_batch(32)
    loss = torch.nn.functional.cross_entropy(rnn(seq), target)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(params, 1.0)
    optimizer.step()
    avg = loss.item() if avg is None else 0.98 * avg + 0.02 * loss.item()
    if it % 150 == 0:
        print('iter', it, 'smoothed loss', round(avg, 4))

with torch.no_grad():
    seq, target = get_batch(2000)
    print('accuracy:', (rnn(seq).argmax(1) == target).float().mean().item(), ' (chance would be %.3f)' % (1 / K))
