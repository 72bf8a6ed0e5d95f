"""Small pictures of bars, crosses and frames; a CNN compiled with the eager backend."""

import torch
import torch.nn as nn

SIZE = 8


def draw(n, generator):
    labels = torch.randint(0, 4, (n,), generator=generator)
    images = 0.3 * torch.randn(n, 1, SIZE, SIZE, generator=generator)
    for i, label in enumerate(labels.tolist()):
        r, c = torch.randint(1, SIZE - 1, (2,), generator=generator).tolist()
        if label in (0, 2):
            images[i, 0, r, :] += 1
        if label in (1, 2):
            images[i, 0, :, c] += 1
        if label == 3:
            images[i, 0, 0, :] += 1
            images[i, 0, -1, :] += 1
    return images, labels


def build():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 4 * 4, 4),
    )


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    images, labels = draw(640, generator)
    model = torch.compile(build(), backend="eager")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    batch_size, epochs = 16, 4
    steps = epochs * len(images) // batch_size
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=0.0)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        order = torch.randperm(len(images))
        total = 0.0
        for chosen in order.split(batch_size):
            loss = loss_fn(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(chosen)
        print(f"epoch {epoch}: loss {total / len(images):.3f}, lr {scheduler.get_last_lr()[0]:.4f}")


if __name__ == "__main__":
    main()
