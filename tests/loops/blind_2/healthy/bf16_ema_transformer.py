"""Small transformer encoder for classification: bf16 autocast, parameter groups, warm-up + linear decay, EMA of the weights."""
import copy
import torch
import torch.nn as nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

torch.set_num_threads(1)
torch.manual_seed(88)
VOCAB, T, STEPS, WARM = 12, 12, 200, 25


def batch(n):
    """class = how many different tokens among 0..3 occur, at most 3"""
    x = torch.randint(0, VOCAB, (n, T))
    present = torch.stack([(x == k).any(1) for k in range(4)], 1).sum(1)
    return x, present.clamp(max=3)


class SetClassifier(nn.Module):
    def __init__(self, d=32, heads=4, layers=2, classes=4):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, d)
        layer = nn.TransformerEncoderLayer(d, heads, 2 * d, dropout=0.05, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(d, classes)

    def forward(self, x):
        return self.out(self.enc(self.emb(x)).mean(1))


def param_groups(model, wd):
    decay, no_decay = [], []
    for name, p in model.named_parameters():
        (no_decay if p.ndim < 2 or "emb" in name else decay).append(p)
    return [{"params": decay, "weight_decay": wd}, {"params": no_decay, "weight_decay": 0.0}]


model = SetClassifier()
ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.97))
optimizer = torch.optim.AdamW(param_groups(model, 0.05), lr=4e-3)
scheduler = torch.optim.lr_scheduler.SequentialLR(
    optimizer,
    [
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.02, 1.0, total_iters=WARM),
        torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=STEPS - WARM),
    ],
    milestones=[WARM],
)
x_val, y_val = batch(500)


def accuracy(m):
    was_training = m.training
    m.eval()
    with torch.no_grad():
        acc = (m(x_val).argmax(1) == y_val).float().mean().item()
    m.train(was_training)
    return acc


best, best_acc = None, 0.0
for step in range(1, STEPS + 1):
    x, y = batch(48)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    ema.update_parameters(model)
    if step % 25 == 0:
        acc = accuracy(ema)
        if acc > best_acc:
            best, best_acc = copy.deepcopy(ema.module.state_dict()), acc
        print(f"step {step} loss {loss.item():.4f} lr {scheduler.get_last_lr()[0]:.5f} acc {accuracy(model):.3f} ema {acc:.3f}")
model.load_state_dict(best)
print(f"best averaged weights: {accuracy(model):.3f}")
