# FAULT: not-called
# In words: optimizer.step is named but not called (no parentheses), so the weights never change
# coding: utf-8

# In[1]:
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import TensorDataset, DataLoader
torch.manual_seed(7)
torch.set_num_threads(1)

# In[2]:
# ten fixed 8x8 "digits" plus noise
prototypes = (torch.rand(10, 1, 8, 8) > 0.5).float()
labels = torch.randint(0, 10, (2400,))
images = prototypes[labels] + 0.5 * torch.randn(2400, 1, 8, 8)
train_ds = TensorDataset(images[:2000], labels[:2000])
test_ds = TensorDataset(images[2000:], labels[2000:])
train_loader = DataLoader(train_ds, batch_size=50, shuffle=True)
test_loader = DataLoader(test_ds, batch_size=200)

# In[3]:
class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.fc1 = nn.Linear(8 * 4 * 4, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return F.log_softmax(self.fc2(x), dim=1)

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

# In[4]:
for epoch in range(5):
    net.train()
    for data, target in train_loader:
        optimizer.zero_grad()
        loss = F.nll_loss(net(data), target)
        loss.backward()
        optimizer.step  # HERE
    net.eval()
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            correct += (net(data).argmax(1) == target).sum().item()
    print('Epoch', epoch, 'loss', loss.item(), 'test accuracy', correct / len(test_ds))
