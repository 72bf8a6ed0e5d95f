"""Sequence autoencoder for anomaly detection: the target of the reconstruction is the input itself."""
import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(3)
np.random.seed(3)

SEQ, BATCH, EPOCHS = 20, 32, 10


def heartbeat(n):
    t = np.linspace(0, 2 * np.pi, SEQ)
    amp = np.random.uniform(0.5, 1.5, (n, 1))
    freq = np.random.choice([1.0, 2.0], (n, 1))
    phase = np.random.uniform(0, np.pi, (n, 1))
    return torch.tensor(amp * np.sin(freq * t + phase), dtype=torch.float32).unsqueeze(-1)


class Encoder(nn.Module):
    def __init__(self, n_features, embedding_dim):
        super().__init__()
        self.rnn = nn.LSTM(n_features, embedding_dim, batch_first=True)

    def forward(self, x):
        _, (h, _) = self.rnn(x)
        return h[-1]


class Decoder(nn.Module):
    def __init__(self, seq_len, embedding_dim, n_features):
        super().__init__()
        self.seq_len = seq_len
        self.rnn = nn.LSTM(embedding_dim, embedding_dim, batch_first=True)
        self.output_layer = nn.Linear(embedding_dim, n_features)

    def forward(self, z):
        y, _ = self.rnn(z.unsqueeze(1).repeat(1, self.seq_len, 1))
        return self.output_layer(y)


class RecurrentAutoencoder(nn.Module):
    def __init__(self, seq_len, n_features, embedding_dim=32):
        super().__init__()
        self.encoder = Encoder(n_features, embedding_dim)
        self.decoder = Decoder(seq_len, embedding_dim, n_features)

    def forward(self, x):
        return self.decoder(self.encoder(x))


train, val = heartbeat(1024), heartbeat(256)
model = RecurrentAutoencoder(SEQ, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
criterion = nn.L1Loss(reduction="sum")
for epoch in range(1, EPOCHS + 1):
    model.train()
    train_losses = []
    for idx in torch.randperm(len(train)).split(BATCH):
        seq_true = train[idx]
        optimizer.zero_grad()
        seq_pred = model(seq_true)
        loss = criterion(seq_pred, seq_true) / len(idx)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()
        train_losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        val_loss = criterion(model(val), val).item() / len(val)
        square = criterion(model(torch.sign(val)), torch.sign(val)).item() / len(val)
    print(f"Epoch {epoch}: train loss {np.mean(train_losses):.3f} val loss {val_loss:.3f} anomalies {square:.3f}")
