import argparse
import torch
import torch.nn as nn


def adding_batch(n, t):
    """The adding problem: sum of the two marked numbers, the answer is wanted only at the very end."""
    values = torch.rand(n, t)
    half = t // 2
    marks = torch.zeros(n, t)
    marks[torch.arange(n), torch.randint(0, half, (n,))] = 1
    marks[torch.arange(n), torch.randint(half, t, (n,))] = 1
    return torch.stack([values, marks], 2), (values * marks).sum(1, keepdim=True)


class AddNet(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.lstm = nn.LSTM(2, hidden, batch_first=True)
        self.out = nn.Linear(hidden, 1)
        with torch.no_grad():  # remember by default
            for name, b in self.lstm.named_parameters():
                if name.startswith("bias_ih"):
                    b[hidden:2 * hidden].fill_(1.0)

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.out(y[:, -1, :])


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--steps", type=int, default=600)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--length", type=int, default=16)
    ap.add_argument("--hidden", type=int, default=32)
    ap.add_argument("--lr", type=float, default=1e-2)
    args = ap.parse_args([])
    torch.set_num_threads(1)
    torch.manual_seed(4)
    net = AddNet(args.hidden)
    opt = torch.optim.Adam(net.parameters(), lr=args.lr)
    loss_fn = nn.MSELoss()
    print("baseline (always answer 1): about 0.167")
    avg = None
    for step in range(1, args.steps + 1):
        x, y = adding_batch(args.batch, args.length)
        loss = loss_fn(net(x), y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        avg = loss.item() if avg is None else 0.97 * avg + 0.03 * loss.item()
        if step % 75 == 0:
            print(f"step {step:4d}  mse {avg:.4f}")


if __name__ == "__main__":
    main()
