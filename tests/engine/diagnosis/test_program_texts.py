"""Faults of batches, carried states and modules that a program's text shows, and what only looks like them."""

from __future__ import annotations

import textwrap

import pytest

from engine.diagnosis.loops import statements
from engine.diagnosis.loops.diagnosis import LoopDiagnosis
from engine.events import Cause, Probe, Severity

FAULTY = {
    "the first batch again and again": (
        Cause.SAME_BATCH,
        """
        class Run:
            def __init__(self):
                self.loader = DataLoader(data, batch_size=8)
            def go(self):
                for step in range(100):
                    x, y = next(iter(self.loader))  # HERE
                    loss(x, y).backward()
        """,
    ),
    "texts sorted without their labels": (
        Cause.LABELS_OF_OTHERS,
        """
        def collate(batch):
            labels = torch.tensor([label for _, label in batch])
            texts = sorted([encode(words) for words, _ in batch], key=len)  # HERE
            return pad_sequence(texts), labels
        """,
    ),
    "an order that the labels do not get": (
        Cause.LABELS_OF_OTHERS,
        """
        def batches(texts, labels):
            lengths, order = lengths_of(texts).sort(descending=True)
            yield texts[order], lengths, labels  # HERE
        """,
    ),
    "two orders": (
        Cause.LABELS_OF_OTHERS,
        """
        def mix(a):
            return a[np.random.permutation(len(a))]
        X, y = mix(X), mix(y)  # HERE
        """,
    ),
    "two orders, one after the other": (
        Cause.LABELS_OF_OTHERS,
        """
        x = x[torch.randperm(len(x))]
        labels = labels[torch.randperm(len(labels))]  # HERE
        """,
    ),
    "shuffled one by one": (
        Cause.LABELS_OF_OTHERS,
        """
        random.shuffle(texts)
        random.shuffle(labels)  # HERE
        """,
    ),
    "noise that stays": (
        Cause.CHANGED_IN_PLACE,
        """
        class Images(Dataset):
            def __getitem__(self, i):
                image = self.images[i]
                if self.train:
                    image += torch.randn(3, 3)  # HERE
                return image
        """,
    ),
    "a number that stays": (
        Cause.CHANGED_IN_PLACE,
        """
        class Words(Dataset):
            def __getitem__(self, i):
                words = self.words[i]
                words[torch.rand(9) < 0.1] = MASK  # HERE
                return words
        """,
    ),
    "a mask that stays": (
        Cause.CHANGED_IN_PLACE,
        """
        class Words(Dataset):
            def __getitem__(self, i):
                words = self.words[i]
                words.masked_fill_(hidden, 0)  # HERE
                words[torch.rand(9) < 0.1] = MASK
                return words
        """,
    ),
    "returns from the end": (
        Cause.LABELS_OF_OTHERS,
        """
        def finish(rewards):
            total, returns = 0.0, []
            for reward in reversed(rewards):
                total = reward + 0.9 * total
                returns.append(total)  # HERE
            return torch.tensor(returns)
        """,
    ),
    "overlapping windows shared out": (
        Cause.VALIDATION_TRAINED,
        """
        for i in range(len(series) - 12):
            parts.append(series[i:i + 12])
        X = torch.stack(parts)
        order = torch.randperm(len(X))  # HERE
        train, test = order[:n], order[n:]
        """,
    ),
    "overlapping windows split": (
        Cause.VALIDATION_TRAINED,
        """
        def load(series):
            xs, ys = [], []
            for i in range(len(series) - W):
                xs.append(series[i : i + W])
                ys.append(series[i + W])
            data = TensorDataset(torch.stack(xs), torch.stack(ys))
            return random_split(data, [0.8, 0.2])
        def main():
            for i in range(100):
                xs.append(series[i : i + W])
            train, test = train_test_split(xs)  # HERE
        """,
    ),
    "a state over shuffled batches": (
        Cause.STATE_OF_ANOTHER_TEXT,
        """
        train_dl = DataLoader(data, batch_size=8, shuffle=True)
        for x, y in tqdm(train_dl):
            out, new = self.net(x, self.state)  # HERE
            loss(out, y).backward()
            self.state = new.detach()
        """,
    ),
    "a state that is not kept": (
        Cause.STATE_THROWN_AWAY,
        """
        hidden = net.begin(8)
        for at in range(0, text.size(1), 10):
            out, new = net(text[:, at:at + 10], hidden.detach())  # HERE
            loss(out).backward()
        """,
    ),
    "a state left behind": (
        Cause.STATE_OF_ANOTHER_TEXT,
        """
        class Net(nn.Module):
            def forward(self, x):
                out, state = self.gru(x, self.state)
                self.state = state.detach()
                return out
        def check():
            model.reset()
            with torch.no_grad():
                return loss(model(held_out))
        for at in range(0, 100, 10):
            loss(model(x[:, at:at + 10])).backward()
            if at % 50 == 0:
                print(check())  # HERE
        """,
    ),
    "modules in a list": (
        Cause.IN_NO_OPTIMIZER,
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.cells = [nn.GRUCell(8, 8) for _ in range(3)]  # HERE
        """,
    ),
    "modules of their own in a dictionary": (
        Cause.IN_NO_OPTIMIZER,
        """
        class Head(nn.Module):
            pass
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.heads = {"a": Head(), "b": nn.Linear(3, 4)}  # HERE
        """,
    ),
    "one model for two optimisers": (
        Cause.OTHER_PARAMETERS,
        """
        G, D = Net(), Net()
        optimizer_D = Adam(D.parameters(), lr=1e-3)
        optimizer_G = Adam(D.parameters(), lr=1e-3)  # HERE
        optimizer_D.step(); optimizer_G.step()
        """,
    ),
    "a module that is replaced too late": (
        Cause.OTHER_PARAMETERS,
        """
        net = load()
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        net.head = nn.Linear(8, 3)  # HERE
        for x in batches:
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        """,
    ),
    "a module is asked by its attribute": (
        Cause.NO_GRADIENT,
        """
        self.head = nn.Linear(3, 4)
        self.head.requires_grad = True  # HERE
        """,
    ),
    "a mask of words for one of padding": (
        Cause.SPARSE_TARGETS,
        """
        def forward(self, tokens):
            mask = tokens != PAD  # HERE
            return self.attention(q, q, q, key_padding_mask=mask)
        """,
    ),
    "never in evaluation mode": (
        Cause.VALIDATION_IN_TRAIN_MODE,
        """
        net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
        @torch.no_grad()
        def test(x, y):
            right = net(x).argmax(1)  # HERE
            return (right == y).float().mean()
        """,
    ),
    "a function that drops in any mode": (
        Cause.VALIDATION_IN_TRAIN_MODE,
        """
        class Net(nn.Module):
            def forward(self, x):
                return F.dropout(self.layer(x), 0.5)  # HERE
        """,
    ),
    "texts of a sorted copy": (
        Cause.LABELS_OF_OTHERS,
        """
        def collate(items):
            by_length = sorted(items, key=lambda item: len(item[0]))
            texts = [text for text, _ in by_length]
            topics = torch.tensor([topic for _, topic in items])  # HERE
            return pad_sequence(texts), topics
        """,
    ),
    "a state by hand that is cut at each step": (
        Cause.BPTT_TOO_SHORT,
        """
        def rnn(seq):
            h = torch.zeros(len(seq), 8)
            for t in range(9):
                h = torch.tanh(Wx[seq[:, t]] + h.detach() @ Wh)  # HERE
            return h
        """,
    ),
    "half of a state is kept": (
        Cause.STATE_THROWN_AWAY,
        """
        h, c = begin(n)
        for step in x.unbind(1):
            h, _ = cell(step, (h, c))  # HERE
        """,
    ),
    "a text is written without a state": (
        Cause.STATE_THROWN_AWAY,
        """
        def write(model, start):
            logits, state = model(start)
            for _ in range(9):
                letter = torch.multinomial(logits.softmax(-1), 1)
                logits, state = model(letter)  # HERE
        """,
    ),
    "both directions by a view": (
        Cause.BATCH_TAKEN_FOR_TIME,
        """
        class Net(nn.Module):
            def __init__(self):
                self.lstm = nn.LSTM(8, 8, bidirectional=True)
            def forward(self, x):
                _, (h, _) = self.lstm(x)
                return self.out(h.view(len(x), -1))  # HERE
        """,
    ),
    "the last step of padding": (
        Cause.PADDING_READ,
        """
        batch = pad_sequence(texts, batch_first=True)
        class Net(nn.Module):
            def __init__(self):
                self.rnn = nn.GRU(8, 8, batch_first=True)
            def forward(self, x, lengths):
                outputs, _ = self.rnn(x)
                return self.out(outputs[:, -1])  # HERE
        """,
    ),
    "targets are given in an evaluation": (
        Cause.TARGETS_ARE_INPUTS,
        """
        class Net(nn.Module):
            def forward(self, source, target, teacher_forcing=0.5):
                return source
        def evaluate(model, source, target):
            with torch.no_grad():
                return model(source, target)  # HERE
        """,
    ),
    "right guesses in one expression": (
        Cause.VALIDATION_IN_TRAIN_MODE,
        """
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        def test(net, loader):
            net.train()
            with torch.no_grad():
                for x, y in loader:
                    right += (net(x).argmax(1) == y).sum().item()  # HERE
        """,
    ),
    "all weights alike": (
        Cause.UNITS_ALIKE,
        """
        for name, p in model.named_parameters():
            nn.init.constant_(p, 0.1)  # HERE
        """,
    ),
    "probabilities for their logarithms": (
        Cause.NO_LOG_SOFTMAX,
        """
        shares = torch.softmax(logits, -1)
        loss = F.kl_div(shares, targets)  # HERE
        """,
    ),
    "a sum of losses in a list": (
        Cause.LOSSES_KEPT,
        """
        for epoch in range(9):
            for batch in batches:
                loss = mse(model(batch), batch)
                loss.backward()
            total = 0
            for batch in others:
                total += mse(model(batch), batch)
            history.append(total)  # HERE
        """,
    ),
}

RIGHT = {
    "a shuffled loader has another first batch": """
        loader = DataLoader(data, batch_size=8, shuffle=True)
        for step in range(100):
            x, y = next(iter(loader))
            loss(x, y).backward()
        """,
    "one batch to look at": """
        loader = DataLoader(data, batch_size=8)
        for step in range(3):
            x, y = next(iter(loader))
            print(x.shape)
        """,
    "one iterator": """
        loader = iter(DataLoader(data, batch_size=8))
        for step in range(100):
            x, y = next(loader)
            loss(x, y).backward()
        """,
    "the whole batch sorted": """
        def collate(batch):
            batch = sorted(batch, key=lambda each: len(each[0]))
            labels = torch.tensor([label for _, label in batch])
            return pad_sequence([encode(words) for words, _ in batch]), labels
        """,
    "labels in the same order": """
        def batches(texts, labels):
            lengths, order = lengths_of(texts).sort(descending=True)
            labels = labels[order]
            yield texts[order], lengths, labels
        """,
    "one order for both": """
        order = torch.randperm(len(x))
        x, labels = x[order], labels[order]
        """,
    "an order that is seeded": """
        def mix(a):
            np.random.seed(0)
            return a[np.random.permutation(len(a))]
        X, y = mix(X), mix(y)
        """,
    "two sets in orders of their own": """
        train = train[torch.randperm(len(train))]
        test = test[torch.randperm(len(test))]
        """,
    "a copy with noise": """
        class Images(Dataset):
            def __getitem__(self, i):
                image = self.images[i].clone()
                image += torch.randn(3, 3)
                return image
        """,
    "returns that are turned round": """
        def finish(rewards):
            total, returns = 0.0, []
            for reward in reversed(rewards):
                total = reward + 0.9 * total
                returns.append(total)
            returns.reverse()
            return torch.tensor(returns)
        """,
    "returns that are read from their end": """
        total, returns = 0.0, []
        for reward in rewards[::-1]:
            total = reward + 0.9 * total
            returns.append(total)
        returns = torch.tensor(returns[::-1])
        """,
    "the last names first": """
        for name in reversed(names):
            upper = name.upper()
            shown.append(upper)
        """,
    "windows that do not overlap": """
        for i in range(0, len(series) - 12, 12):
            parts.append(series[i:i + 12])
        X = torch.stack(parts)
        order = torch.randperm(len(X))
        train, test = order[:n], order[n:]
        """,
    "overlapping windows in a random order": """
        for i in range(len(series) - 12):
            parts.append(series[i:i + 12])
        X = torch.stack(parts)
        for b in torch.randperm(len(X)).split(8):
            learn(X[b])
        """,
    "a state over batches in their order": """
        train_dl = DataLoader(data, batch_size=8, shuffle=False)
        for x, y in train_dl:
            out, new = self.net(x, self.state)
            loss(out, y).backward()
            self.state = new.detach()
        """,
    "a fresh state for each shuffled batch": """
        train_dl = DataLoader(data, batch_size=8, shuffle=True)
        for x, y in train_dl:
            hidden = net.begin(8)
            out, hidden = net(x, hidden)
            loss(out, y).backward()
        """,
    "windows within shuffled batches": """
        train_dl = DataLoader(data, batch_size=8, shuffle=True)
        for x, y in train_dl:
            hidden = None
            for at in range(0, 100, 10):
                out, hidden = net(x[:, at:at + 10], hidden)
                loss(out, y).backward()
                hidden = hidden.detach()
        """,
    "a first state that is learnt": """
        first = net.first
        for at in range(0, len(X), 10):
            out, new = net(X[at:at + 10], first)
            loss(out).backward()
        """,
    "a state that is given back": """
        class Net(nn.Module):
            def forward(self, x):
                out, state = self.gru(x, self.state)
                self.state = state.detach()
                return out
        def check():
            kept = model.state
            model.reset()
            with torch.no_grad():
                found = loss(model(held_out))
            model.state = kept
            return found
        for at in range(0, 100, 10):
            loss(model(x[:, at:at + 10])).backward()
            print(check())
        """,
    "a check between two passes": """
        class Net(nn.Module):
            def forward(self, x):
                out, state = self.gru(x, self.state)
                self.state = state.detach()
                return out
        def check():
            model.reset()
            with torch.no_grad():
                return loss(model(held_out))
        for epoch in range(9):
            model.reset()
            for at in range(0, 100, 10):
                loss(model(x[:, at:at + 10])).backward()
            print(check())
        """,
    "modules in a list that is registered": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.cells = [nn.GRUCell(8, 8) for _ in range(3)]
                self.all = nn.ModuleList(self.cells)
                self.sizes = [3, 4]
                self.act = [nn.ReLU(), nn.Dropout(0.1)]
        """,
    "a module that is replaced in time": """
        net = load()
        adam = torch.optim.Adam(net.parameters(), lr=1e-3)
        net.head = nn.Linear(8, 3)
        adam = torch.optim.Adam(net.parameters(), lr=1e-3)
        other = load()
        sgd = torch.optim.SGD(other.parameters(), lr=1e-3)
        other.head = nn.Linear(8, 3)
        sgd.add_param_group({"params": other.head.parameters()})
        """,
    "a model of each": """
        G, D = Net(), Net()
        optimizer_D = Adam(D.parameters(), lr=1e-3)
        optimizer_G = Adam(G.parameters(), lr=1e-3)
        optimizer_D.step(); optimizer_G.step()
        """,
    "one optimiser after the other": """
        net = Net()
        adam = Adam(net.parameters(), lr=1e-3)
        sgd = SGD(net.parameters(), lr=1e-3)
        adam.step(); sgd.step()
        """,
    "parameters one by one": """
        head = nn.Linear(3, 4)
        for p in head.parameters():
            p.requires_grad = False
        """,
    "a mask of words that is turned round": """
        def forward(self, tokens):
            mask = tokens != PAD
            return self.attention(q, q, q, key_padding_mask=~mask)
        """,
    "a mask of padding": """
        def forward(self, tokens):
            mask = tokens == PAD
            return self.attention(q, q, q, key_padding_mask=mask)
        """,
    "in evaluation mode": """
        net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
        @torch.no_grad()
        def test(x, y):
            net.eval()
            right = net(x).argmax(1)
            return (right == y).float().mean()
        """,
    "dropout many times over": """
        net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
        @torch.no_grad()
        def test(x, y):
            right = torch.stack([net(x) for _ in range(30)]).mean(0).argmax(1)
            return (right == y).float().mean()
        """,
    "all of a sorted copy": """
        def collate(items):
            by_length = sorted(items, key=lambda item: len(item[0]))
            texts = [text for text, _ in by_length]
            topics = torch.tensor([topic for _, topic in by_length])
            return pad_sequence(texts), topics
        """,
    "a state of which a part goes on": """
        def rnn(seq):
            for t in range(9):
                h = h + torch.tanh(Wx[seq[:, t]] + h.detach() @ Wh)
            return h
        """,
    "both states are kept": """
        for step in x.unbind(1):
            h, c = cell(step, (h, c))
        for step in x.unbind(1):
            h, new = cell(step, (h, c))
            c = new
        """,
    "a text is written with a state, or by a network that has none": """
        def write(model, start):
            logits, state = model(start)
            for _ in range(9):
                letter = torch.multinomial(logits.softmax(-1), 1)
                logits, state = model(letter, state)
        def generate(self, context):
            for _ in range(9):
                logits, loss = self(context)
                context = torch.cat([context, logits.argmax(-1)])
        """,
    "both directions one after the other": """
        class Net(nn.Module):
            def __init__(self):
                self.lstm = nn.LSTM(8, 8, bidirectional=True)
                self.gru = nn.GRU(8, 8)
            def forward(self, x):
                _, (h, _) = self.lstm(x)
                h = h.transpose(0, 1)
                _, g = self.gru(x)
                return self.out(h.reshape(len(x), -1)), g.view(len(x), -1)
        """,
    "the last step of each": """
        batch = pad_sequence(texts, batch_first=True)
        class Net(nn.Module):
            def __init__(self):
                self.rnn = nn.GRU(8, 8, batch_first=True)
            def forward(self, x, lengths):
                packed = pack_padded_sequence(x, lengths)
                outputs, _ = self.rnn(packed)
                return self.out(outputs[:, -1])
        """,
    "no targets in an evaluation": """
        class Net(nn.Module):
            def forward(self, source, target, teacher_forcing=0.5):
                return source
        def evaluate(model, source, target):
            with torch.no_grad():
                return model(source, target, teacher_forcing=0.0), model(source, target, 0), model(source)
        def train(model, source, target):
            return model(source, target)
        """,
    "a function that knows the mode": """
        class Net(nn.Module):
            def forward(self, x):
                x = F.dropout(x, 0.5, self.training)
                return F.dropout(self.layer(x), p=0.5, training=True)
        """,
    "weights by a name": """
        for p in model.parameters():
            nn.init.zeros_(tensor=p)
        """,
    "some weights zero": """
        for name, p in model.named_parameters():
            if "bias" in name:
                nn.init.zeros_(p)
        """,
    "gradients zero": """
        for p in model.parameters():
            p.grad.zero_()
        """,
    "logarithms": """
        shares = torch.log_softmax(logits, -1)
        loss = F.kl_div(shares, F.softmax(other, -1))
        loss = F.kl_div(logits.softmax(-1).log(), F.softmax(other, -1))
        """,
    "a sum of losses as a number": """
        for epoch in range(9):
            for batch in batches:
                loss = mse(model(batch), batch)
                loss.backward()
            total = 0
            for batch in others:
                total += mse(model(batch), batch)
            history.append(total.item())
        """,
}


def found(text: str) -> list[tuple[str, int, Severity]]:
    """The causes that a text shows, each with its line."""
    findings = LoopDiagnosis().source("train.py", textwrap.dedent(text))
    return [(each.cause, each.site.line, each.severity) for each in findings if each.site is not None]


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_found_with_its_line(name: str) -> None:
    cause, text = FAULTY[name]
    here = [number for number, line in enumerate(textwrap.dedent(text).splitlines(), 1) if line.endswith("# HERE")]
    assert [(each, line) for each, line, _ in found(text)] == [(cause, here[0])]


@pytest.mark.parametrize("name", RIGHT)
def test_what_only_looks_like_it_is_not(name: str) -> None:
    assert found(RIGHT[name]) == []


CUT = textwrap.dedent("""
    class Net(nn.Module):
        def forward(self, x):
            state = self.encoder(x).detach()
            return self.decoder(state)
""")


def test_a_module_without_gradient_is_blamed_on_the_only_line_that_cuts_it_off() -> None:
    diagnosis = LoopDiagnosis()
    assert list(diagnosis.source("train.py", CUT)) == []
    fact: dict[str, float | str] = {"fact": "no-gradient", "some": 4, "every": 9, "names": "encoder.weight"}
    place: dict[str, float | str] = {"file": "train.py", "line": 1, "code": "", "times": 3}
    (known,) = diagnosis.take(Probe(9, 9, "loop_fact", 0.0, {**fact, **place}))
    assert (known.cause, known.severity) == (Cause.NO_GRADIENT, Severity.WARNING)
    assert known.site is not None
    assert known.site.code == "state = self.encoder(x).detach()"
    assert known.instead == "state = self.encoder(x)"


@pytest.mark.parametrize("text", ["", CUT * 2, CUT.replace("state = self.encoder(x)", "state = x"), "def ("])
def test_otherwise_no_line_is_blamed(text: str) -> None:
    assert statements.detached_within("train.py", text) is None


EVALUATED = textwrap.dedent("""
    def train():
        loss.backward()
        model.eval()
        out = model(x)
        return criterion(out, y)
    def check():
        model.eval()
        with torch.no_grad():
            out = model(x)
        model.train()
        return criterion(out, y)
    def worse():
        return criterion(model(x), y)
""")


def test_a_loss_after_the_model_is_back_in_training_mode_is_no_fault() -> None:
    lines = {number for number in range(1, 16) if statements.evaluates(EVALUATED, number)}
    assert lines == {8, 9, 10, 11, 12}
    diagnosis = LoopDiagnosis()
    list(diagnosis.source("train.py", EVALUATED))
    fact: dict[str, float | str] = {"fact": "validation-in-train-mode", "file": "train.py", "code": "", "times": 9}
    assert list(diagnosis.take(Probe(9, 9, "loop_fact", 0.0, {**fact, "line": 12}))) == []
    assert [each.cause for each in diagnosis.take(Probe(9, 9, "loop_fact", 0.0, {**fact, "line": 14}))] == [
        Cause.VALIDATION_IN_TRAIN_MODE
    ]
