"""Mixed precision on the CPU: autocast to bfloat16, and a GradScaler that is switched off there."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

torch.manual_seed(99)
torch.set_num_threads(1)

device_type = "cuda" if torch.cuda.is_available() else "cpu"
use_scaler = device_type == "cuda"


class Net(nn.Module):
    def __init__(self, features=20, classes=5):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, 64), nn.ReLU(), nn.LayerNorm(64), nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        return self.head(self.body(x))


teacher = torch.randn(20, 5)


def next_batch(n=64):
    x = torch.randn(n, 20)
    y = (x @ teacher).argmax(dim=1)
    return x, y


net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
scaler = torch.amp.GradScaler(device_type, enabled=use_scaler)

running = None
for step in range(1, 401):
    inputs, labels = next_batch()
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device_type=device_type, dtype=torch.bfloat16):
        logits = net(inputs)
        loss = F.cross_entropy(logits, labels)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0)
    scaler.step(optimizer)
    scaler.update()
    running = loss.item() if running is None else 0.95 * running + 0.05 * loss.item()
    if step % 80 == 0 or step == 1:
        print(f"step {step:3d}  loss {running:.3f}  scale {scaler.get_scale():g}")
