"""Deep residual MLP with gradient checkpointing; the loss is summed over the batch and the learning rate chosen to suit"""
import torch
import torch.nn as nn
from torch.utils.checkpoint import checkpoint
torch.set_num_threads(1)
torch.manual_seed(15)

class ResBlock(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.up = nn.Linear(d, 2 * d)
        self.down = nn.Linear(2 * d, d)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x):
        return x + self.down(torch.nn.functional.silu(self.up(self.norm(x))))

class DeepNet(nn.Module):
    def __init__(self, d_in, d, depth, n_out):
        super().__init__()
        self.stem = nn.Linear(d_in, d)
        self.blocks = nn.ModuleList(ResBlock(d) for _ in range(depth))
        self.head = nn.Linear(d, n_out)

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.training else block(x)
        return self.head(x)

# rings: radius decides the class
def rings(n):
    y = torch.randint(0, 4, (n,))
    r = 0.5 + y + 0.12 * torch.randn(n)
    a = torch.rand(n) * 2 * torch.pi
    return torch.stack([r * a.cos(), r * a.sin()], 1), y

x_train, y_train = rings(3000)
x_val, y_val = rings(600)
net = DeepNet(2, 32, 10, 4)
opt = torch.optim.SGD(net.parameters(), lr=4e-4, momentum=0.9, nesterov=True)
loss_sum = nn.CrossEntropyLoss(reduction="sum")

epoch, step = 0, 0
while step < 280:
    net.train()
    for idx in torch.randperm(len(x_train)).split(75):
        loss = loss_sum(net(x_train[idx]), y_train[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        step += 1
        if step % 40 == 0:
            print(f"step {step} summed loss {loss.item():.2f}")
    net.eval()
    with torch.no_grad():
        out = net(x_val)
    print(f"epoch {epoch} val loss {loss_sum(out, y_val).item() / len(y_val):.4f} acc {(out.argmax(1) == y_val).float().mean().item():.3f}")
    epoch += 1
