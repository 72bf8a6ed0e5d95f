# FAULT: learning-rate-too-high
import argparse
import torch
import torch.utils.data
from torch import nn, optim
from torch.nn import functional as F

parser = argparse.ArgumentParser(description="VAE on little blobs")
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--lr", type=float, default=0.01, help="base learning rate")
parser.add_argument("--latent", type=int, default=4)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--log-interval", type=int, default=15)
args = parser.parse_args([])

torch.set_num_threads(1)
torch.manual_seed(args.seed)


def blobs(n, size=12):
    cx, cy = torch.rand(n, 1, 1) * 8 + 2, torch.rand(n, 1, 1) * 8 + 2
    s = torch.rand(n, 1, 1) * 1.5 + 0.8
    gy, gx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.exp(-((gx - cx) ** 2 + (gy - cy) ** 2) / (2 * s ** 2)).view(n, -1)


train_loader = torch.utils.data.DataLoader(blobs(2048), batch_size=args.batch_size, shuffle=True)
test_images = blobs(512)


class VAE(nn.Module):
    def __init__(self, n=144, latent=4):
        super().__init__()
        self.fc1 = nn.Linear(n, 100)
        self.fc21 = nn.Linear(100, latent)
        self.fc22 = nn.Linear(100, latent)
        self.fc3 = nn.Linear(latent, 100)
        self.fc4 = nn.Linear(100, n)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return self.fc4(F.relu(self.fc3(z))), mu, logvar


def loss_function(recon_logits, x, mu, logvar):
    bce = F.binary_cross_entropy_with_logits(recon_logits, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (bce + kld) / len(x)


model = VAE(latent=args.latent)
lr = args.lr * args.batch_size  # HERE
optimizer = optim.Adam(model.parameters(), lr=lr)

for epoch in range(1, args.epochs + 1):
    model.train()
    for batch_idx, data in enumerate(train_loader):
        optimizer.zero_grad()
        loss = loss_function(*((out := model(data))[0], data), *out[1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        if batch_idx % args.log_interval == 0:
            print(f"Train Epoch: {epoch} [{batch_idx}/{len(train_loader)}]\tLoss: {loss.item():.3f}")
    model.eval()
    with torch.no_grad():
        out = model(test_images)
        print(f"====> Test loss: {loss_function(out[0], test_images, *out[1:]).item():.3f}")
