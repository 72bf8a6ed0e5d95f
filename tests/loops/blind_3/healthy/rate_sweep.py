# Which learning rate for my little RNN?  Several independent trainings, one after the other.
import torch, torch.nn as nn
torch.set_num_threads(1)

data_gen = torch.Generator().manual_seed(0)
readings = torch.randn(512, 7, generator=data_gen)
X = readings.unsqueeze(-1)
Y = (readings[:, 3:].sum(1) > readings[:, :3].sum(1)).long()   # did it go up towards the end?
Xtr, Ytr, Xva, Yva = X[:384], Y[:384], X[384:], Y[384:]


def build(seed):
    torch.manual_seed(seed)
    return nn.ModuleDict({"rnn": nn.RNN(1, 24, batch_first=True), "fc": nn.Linear(24, 2)})


def predict(m, x):
    _, h = m["rnn"](x)
    return m["fc"](h[-1])


def train_once(lr, epochs=12, seed=1):
    m = build(seed)
    opt = torch.optim.Adam(m.parameters(), lr=lr)
    lossf = nn.CrossEntropyLoss()
    history = []
    for _ in range(epochs):
        total = 0.0
        for idx in torch.randperm(len(Xtr)).split(32):
            loss = lossf(predict(m, Xtr[idx]), Ytr[idx])
            opt.zero_grad(); loss.backward(); opt.step()
            total += loss.item() * len(idx)
        history.append(total / len(Xtr))
    with torch.no_grad():
        val = lossf(predict(m, Xva), Yva).item()
    return m, history, val


results = {}
for lr in (2e-3, 5e-3, 1e-2):
    _, history, val = train_once(lr)
    results[lr] = val
    print(f"lr {lr:<7} train {history[0]:.3f} -> {history[-1]:.3f}   val {val:.3f}")

best = min(results, key=results.get)
print("best rate", best, "- training the final model longer")
model, history, val = train_once(best, epochs=18, seed=2)
with torch.no_grad():
    acc = (predict(model, Xva).argmax(1) == Yva).float().mean().item()
print(f"final val loss {val:.3f}, accuracy {acc:.3f}")
