"""Siamese GRU: the same tune in another key should be close, another tune far away."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, a, b, same):
        d = F.pairwise_distance(a, b)
        return (same * d.pow(2) + (1 - same) * F.relu(self.margin - d).pow(2)).mean()


class TuneEncoder(nn.Module):
    def __init__(self, hidden=40, out=8):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, out)

    def forward(self, notes):
        _, h = self.gru(notes.unsqueeze(-1) / 12)
        return self.fc(h[0])


def pairs(n, length=8):
    first = torch.randint(-2, 3, (n, length)).cumsum(1).float()
    other = torch.randint(-2, 3, (n, length)).cumsum(1).float()
    same = (torch.rand(n) < 0.5).float()
    second = torch.where(same[:, None] == 1, first, other)
    key = torch.randint(-6, 7, (n, 1)).float()
    return first, second + key, same


def main():
    torch.manual_seed(50)
    torch.set_num_threads(1)
    encoder, loss_fn = TuneEncoder(), ContrastiveLoss()
    optimizer = torch.optim.Adam(encoder.parameters(), lr=4e-3)
    window = []
    for step in range(1, 241):
        a, b, same = pairs(48)
        loss = loss_fn(encoder(a), encoder(b), same)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        window.append(loss.item())
        if step % 40 == 0:
            print(f'{step:4d}  contrastive loss {sum(window) / len(window):.4f}')
            window.clear()
    encoder.eval()
    with torch.no_grad():
        a, b, same = pairs(400)
        guess = F.pairwise_distance(encoder(a), encoder(b)) < 0.5
    print('pairs told apart:', (guess == same.bool()).float().mean().item())


if __name__ == '__main__':
    main()
