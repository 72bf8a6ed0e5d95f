# FAULT: saturated-units
# A multi layer perceptron without nn.Module, to see all the moving parts.
import torch

torch.set_num_threads(1)
torch.manual_seed(10)


def make_shells(n):
    """points in 12 dimensions, three classes by how the first coordinates play together"""
    x = torch.randn(n, 12)
    s = x[:, 0] + x[:, 1] - x[:, 2] + 0.7 * x[:, 3] * x[:, 4].sign()
    y = (s > -0.8).long() + (s > 0.8).long()
    return x, y


def make_layers(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes[:-1], sizes[1:]):
        w = torch.randn(fan_in, fan_out)  # HERE
        b = torch.zeros(fan_out)
        layers.append((w.requires_grad_(), b.requires_grad_()))
    return layers


def net(layers, x):
    for w, b in layers[:-1]:
        x = torch.tanh(x @ w + b)
    w, b = layers[-1]
    return x @ w + b


def nll(logits, y):
    logp = logits - logits.logsumexp(dim=1, keepdim=True)
    return -logp[torch.arange(len(y)), y].mean()


x_train, y_train = make_shells(2000)
x_test, y_test = make_shells(1000)
layers = make_layers([12, 128, 128, 128, 3])
lr = 0.05

for epoch in range(1, 41):
    total = 0.0
    for idx in torch.randperm(len(x_train)).split(50):
        loss = nll(net(layers, x_train[idx]), y_train[idx])
        loss.backward()
        total += loss.item() * len(idx)
        with torch.no_grad():
            for w, b in layers:
                w -= lr * w.grad
                b -= lr * b.grad
                w.grad = b.grad = None
    if epoch % 5 == 0:
        with torch.no_grad():
            acc = (net(layers, x_test).argmax(1) == y_test).float().mean()
        print(f"{epoch:3d} {total / len(x_train):9.4f}   test accuracy {acc:.3f}")
