# FAULT: no-gradient
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(77)


class DenoisingAE(nn.Module):
    def __init__(self, d=32, code=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(d, 48), nn.ReLU(), nn.Linear(48, code))
        self.decoder = nn.Sequential(nn.Linear(code, 48), nn.ReLU(), nn.Linear(48, d))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def waves(n, d=32):
    grid = torch.linspace(0, 1, d)
    freq = 1 + torch.rand(n, 1) * 2
    phase = torch.rand(n, 1) * 6.28
    return torch.sin(6.28 * freq * grid + phase)


def l1(model):
    return sum(p.abs().sum() for n, p in model.named_parameters() if n.endswith("weight"))


model = DenoisingAE()
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
data = waves(640)

for epoch in range(20):
    epoch_loss = 0.0
    for idx in torch.randperm(len(data)).split(32):
        clean = data[idx]
        noisy = clean + 0.3 * torch.randn_like(clean)
        optimizer.zero_grad()
        recon = model(noisy)
        loss = criterion(noisy, clean) + 1e-5 * l1(model)  # HERE
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
    if epoch % 4 == 3:
        print("epoch [%d/20], loss %.4f" % (epoch + 1, epoch_loss / 20))

with torch.no_grad():
    clean = waves(100)
    noisy = clean + 0.3 * torch.randn_like(clean)
    print("noisy error", criterion(noisy, clean).item(), "denoised error", criterion(model(noisy), clean).item())
