"""Every hyperparameter: what it means, its unit, range and default, and whether it may change while training.

The command line's options, the console's dialogs and the checks on a checkpoint's header are all made from the fields
of `Settings`, so that each hyperparameter is described only once.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, Protocol

from engine.errors import UserError
from engine.windows import ALL, LAST, TARGETS, LengthLaw

Value = str | int | float | LengthLaw | None
"""A setting's value; None where a number is off or left to the program (`auto`)."""

PlainValue = str | int | float | None
"""A value as JSON holds it."""

OF_NAMES = ("idna", "punycode")
"""Python's codecs for the names of hosts, which can read no text."""

AUTO = "auto"
"""The word for what the program finds out by itself."""

SMALLEST, LARGEST = 1.2e-38, 3.4e38
"""The smallest and the largest positive number of float32, to two digits; smaller ones lose digits."""


class Kind(Protocol):
    """The values that a setting may take, and their written form."""

    @property
    def expects(self) -> str:
        """The allowed values, in a few words."""

    def read(self, text: str) -> Value:
        """The value that `text` stands for; raises ValueError where it stands for none."""

    def write(self, value: Any) -> str:
        """The text that `read` turns back into `value`."""

    def allows(self, value: object) -> bool:
        """Whether `value` is of the right type and in range."""

    def step(self, value: Any, direction: int) -> Value:
        """The next sensible value up (+1) or down (-1); `value` itself at the end."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def expects(self) -> str:
        return f"one of {', '.join(self.words)}"

    def read(self, text: str) -> str:
        if text.strip() not in self.words:
            raise ValueError(self.expects)
        return text.strip()

    def write(self, value: str) -> str:
        return value

    def allows(self, value: object) -> bool:
        return value in self.words

    def step(self, value: str, direction: int) -> str:
        return self.words[(self.words.index(value) + direction) % len(self.words)]


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding of text that Python knows, or `AUTO`."""

    @property
    def expects(self) -> str:
        return f"{AUTO}, or an encoding that Python knows, such as utf-8, gbk, cp1251 or shift_jis"

    def read(self, text: str) -> str:
        if not self.allows(text.strip()):
            raise ValueError(self.expects)
        return text.strip()

    def write(self, value: str) -> str:
        return value

    def allows(self, value: object) -> bool:
        return isinstance(value, str) and (value == AUTO or _is_encoding(value))

    def step(self, value: str, direction: int) -> str:  # noqa: ARG002 - there is no order among encodings
        return value


def _is_encoding(name: str) -> bool:
    """Whether a name stands for an encoding of text."""
    try:
        known = codecs.lookup(name).name
        return known not in OF_NAMES and isinstance(codecs.decode(b"", known), str)
    except (LookupError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`, or None where `word` is not empty; `word` is the written form of None."""

    low: float
    high: float
    whole: bool = False
    word: str = ""
    rungs: tuple[float, ...] = ()
    """The values that key presses step through, ascending."""
    usual: tuple[float, float] | None = None
    """The range of the values in common use; values outside it are allowed, with a warning."""

    @property
    def expects(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        usual = f", usually {_span(*self.usual)}" if self.usual else ""
        return f"{kind} from {_span(self.low, self.high)}{usual}" + (f", or {self.word}" if self.word else "")

    def unusual(self, value: float | None) -> str:
        """How a value differs from the usual ones; empty for a usual one."""
        if value is None or self.usual is None or self.usual[0] <= value <= self.usual[1]:
            return ""
        where = "above" if value > self.usual[1] else "below"
        return f"{self.write(value)} is {where} the usual range of {_span(*self.usual)}"

    def read(self, text: str) -> int | float | None:
        if self.word and text.strip() == self.word:
            return None
        try:
            value = int(text) if self.whole else float(text)
        except ValueError:
            raise ValueError(self.expects) from None
        if not self.allows(value):
            raise ValueError(self.expects)
        return value

    def write(self, value: float | None) -> str:
        return self.word if value is None else str(value) if self.whole else f"{value:.6g}"

    def allows(self, value: object) -> bool:
        if value is None:
            return bool(self.word)
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return self.low <= value <= self.high

    def step(self, value: float | None, direction: int) -> float | None:
        if value is None:
            return None
        further = [rung for rung in self.rungs if (rung > value if direction > 0 else rung < value)]
        return value if not further else further[0] if direction > 0 else further[-1]


@dataclass(frozen=True, slots=True)
class Law:
    """A length law."""

    @property
    def expects(self) -> str:
        return LengthLaw.EXPECTS

    def read(self, text: str) -> LengthLaw:
        try:
            return LengthLaw.parse(text)
        except ValueError:
            raise ValueError(self.expects) from None

    def write(self, value: LengthLaw) -> str:
        return str(value)

    def allows(self, value: object) -> bool:
        return isinstance(value, LengthLaw)

    def step(self, value: LengthLaw, direction: int) -> LengthLaw:
        return value.stepped(direction)


@dataclass(frozen=True, slots=True)
class Setting:
    """The description of one field of `Settings`."""

    name: str
    kind: Kind
    help: str
    unit: str = ""
    knob: bool = False
    """Whether it may change while training."""

    @property
    def option(self) -> str:
        """The setting's option on the command line."""
        return "--" + self.name.replace("_", "-")

    def read(self, text: str) -> Value:
        """The value that the user typed; raises UserError where it is not allowed for this setting."""
        return read_value(self.option, self.kind, text)

    def warning(self, value: Any) -> str:
        """One line about an unusual value; empty for a usual one."""
        unusual = self.kind.unusual(value) if isinstance(self.kind, Number) else ""
        return f"{self.name} {unusual}" if unusual else ""


def _setting(default: Value, kind: Kind, help: str, unit: str = "", knob: bool = False) -> Any:
    return field(default=default, metadata={"kind": kind, "help": help, "unit": unit, "knob": knob})


def _span(low: float, high: float) -> str:
    return " to ".join(f"{bound:,}" if isinstance(bound, int) else f"{bound:.6g}" for bound in (low, high))


def _decades(low: int, high: int) -> tuple[float, ...]:
    return tuple(float(f"{digit}e{power}") for power in range(low, high) for digit in (1, 1.5, 2, 3, 5, 7))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All hyperparameters of a network and its training. Raises UserError where a value is out of range."""

    cell: str = _setting("lstm", Choice(("rnn", "gru", "lstm")), "Recurrent cell; rnn is the tanh one.")
    hidden: int = _setting(256, Number(1, 8192, whole=True), "Size of each recurrent layer.", "units")
    layers: int = _setting(1, Number(1, 16, whole=True), "Number of recurrent layers.")
    embedding: int = _setting(64, Number(1, 8192, whole=True), "Size of the vector of each character.", "units")
    encoding: str = _setting(
        AUTO, Encoding(), "Encoding of the text, such as gbk or cp1251; auto finds it out, and says what it assumed."
    )
    vocabulary: int = _setting(
        1024,
        Number(257, 65_536, whole=True),
        "Largest vocabulary; a text with more distinct characters spells the rare ones in bytes.",
    )
    dropout: float = _setting(
        0.0,
        Number(0, 1, rungs=(0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9), usual=(0, 0.9)),
        "Share of each layer's outputs set to zero while training.",
        knob=True,
    )

    streams: int = _setting(16, Number(1, 4096, whole=True), "Batch size: cursors that read the text in parallel.")
    bptt: LengthLaw = _setting(
        LengthLaw.fixed(64),
        Law(),
        "Characters between two updates, which is how far the gradient reaches: 40, 10-40 or geom:11.",
        "characters",
        knob=True,
    )
    targets: str = _setting(ALL, Choice(TARGETS), "Which characters of a window the loss is taken over.", knob=True)

    clip: float | None = _setting(
        1.0,
        Number(SMALLEST, LARGEST, word="off", rungs=_decades(-3, 4), usual=(1e-3, 1e3)),
        "Largest gradient that an update may use, or off.",
        knob=True,
    )
    clip_by: str = _setting(
        "norm", Choice(("norm", "value")), "Whether --clip bounds the norm of the gradient or each number.", knob=True
    )
    optimizer: str = _setting("adamw", Choice(("adamw", "adam", "rmsprop", "sgd")), "Optimiser; sgd has momentum 0.9.")
    lr: float = _setting(
        4e-3,
        Number(SMALLEST, LARGEST, rungs=_decades(-6, 2), usual=(1e-5, 0.1)),
        "Learning rate, reached after the warm-up.",
        knob=True,
    )
    warmup: int = _setting(
        100,
        Number(0, 10**15, whole=True, usual=(0, 100_000)),
        "Updates over which the learning rate rises to --lr.",
        "updates",
    )
    weight_decay: float = _setting(
        0.0,
        Number(0, LARGEST, rungs=(0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0), usual=(0, 1)),
        "Weight decay, as the optimiser defines it.",
        knob=True,
    )

    temperature: float = _setting(
        0.8,
        Number(0, LARGEST, rungs=tuple(round(0.1 * tenth, 1) for tenth in range(21)), usual=(0, 2)),
        "How boldly samples are drawn: 0 always takes the likeliest character.",
        knob=True,
    )
    top_k: int | None = _setting(
        None,
        Number(1, 65_536, whole=True, word="off", rungs=(1, 2, 3, 5, 10, 20, 50)),
        "Number of likeliest characters that samples are drawn from, or off.",
        knob=True,
    )
    top_p: float = _setting(
        1.0,
        Number(1e-6, 1, rungs=(0.5, 0.7, 0.8, 0.9, 0.95, 1.0)),
        "Probability of the likeliest characters, in total, that samples are drawn from; 1 for all.",
        knob=True,
    )
    min_p: float = _setting(
        0.0,
        Number(0, 1, rungs=(0.0, 0.01, 0.02, 0.05, 0.1, 0.2)),
        "Least probability of a character in a sample, as a share of the likeliest one's; 0 for any.",
        knob=True,
    )
    seed: int = _setting(0, Number(0, 2**63 - 1, whole=True), "Seed of every random number.")

    dtype: str = _setting(
        "auto",
        Choice(("auto", "float32", "bfloat16")),
        "Number type of matrix products; weights stay float32.",
        knob=True,
    )
    threads: int | None = _setting(None, Number(1, 1024, whole=True, word="auto"), "Number of processor threads.")
    device: str = _setting("auto", Choice(("auto", "cpu", "cuda", "mps")), "Device to compute on.")

    def __post_init__(self) -> None:
        for setting in settings():
            if not setting.kind.allows(getattr(self, setting.name)):
                raise UserError(f"{setting.option} {getattr(self, setting.name)}: expected {setting.kind.expects}")

    def value(self, name: str) -> Value:
        """The value of a setting by its name; raises UserError where there is no such setting."""
        found: Value = getattr(self, setting(name).name)
        return found

    def warnings(self) -> Iterator[str]:
        """One line about each unusual value."""
        return filter(None, (described.warning(self.value(described.name)) for described in settings()))

    def write(self, name: str) -> str:
        """The value of a setting as the user would type it."""
        return setting(name).kind.write(self.value(name))

    def plain(self) -> dict[str, PlainValue]:
        """All values by name, in a form that JSON can hold."""
        values = ((described.name, getattr(self, described.name)) for described in settings())
        return {name: str(value) if isinstance(value, LengthLaw) else value for name, value in values}

    @classmethod
    def from_plain(cls, values: Mapping[str, object]) -> Settings:
        """The settings that `plain` made `values` of; raises UserError for an unknown name or a value not allowed."""
        read: dict[str, Any] = dict(values)
        for name in read:
            setting(name)
        if isinstance(law := read.get("bptt"), str):
            read["bptt"] = read_value(setting("bptt").option, setting("bptt").kind, law)
        return cls(**read)

    def with_value(self, name: str, value: Value) -> Settings:
        """A copy with another value of one setting; raises UserError where the value is not allowed."""
        changes: dict[str, Any] = {setting(name).name: value}
        return replace(self, **changes)

    def with_knob(self, name: str, value: Value) -> Settings:
        """The same for a knob; raises UserError also for a setting that cannot change while training."""
        if not setting(name).knob:
            raise UserError(f"{name} cannot change while training")
        return self.with_value(name, value)

    def with_text(self, name: str, text: str) -> Settings:
        """The same for a value as text, from the user or from a record."""
        return self.with_value(name, setting(name).read(text))


def _described(found: Field[Any]) -> Setting:
    return Setting(found.name, **found.metadata)


def settings() -> Iterator[Setting]:
    """The description of every setting, in the order of `Settings`."""
    return map(_described, fields(Settings))


def knobs() -> Iterator[Setting]:
    """The settings that may change while training."""
    return (described for described in settings() if described.knob)


def setting(name: str) -> Setting:
    """The description of a setting by its name; raises UserError where there is no such setting."""
    for described in settings():
        if described.name == name:
            return described
    raise UserError(f"unknown setting {name!r}: there are {', '.join(known.name for known in settings())}")


PROGRAMS_OWN: Mapping[str, Setting] = {
    described.name: described
    for described in (
        Setting("momentum", Number(0, 1, usual=(0, 0.99)), "Momentum of the program's optimiser.", knob=True),
        Setting("beta1", Number(0, 1, usual=(0, 0.99)), "Adam's share of the mean gradient that is kept.", knob=True),
        Setting("beta2", Number(0, 1, usual=(0.9, 0.9999)), "Adam's share of the mean square that is kept.", knob=True),
    )
}
"""The knobs that only the optimiser of a program's own loop has: with ours, these values are fixed."""


def knob_named(name: str) -> Setting:
    """The description of a knob of ours or of a program's own loop; raises UserError where there is none."""
    return PROGRAMS_OWN.get(name) or setting(name)


def read_value(option: str, kind: Kind, text: str) -> Value:
    """The value that the user typed after an option; raises UserError where it is not of that kind."""
    try:
        return kind.read(text)
    except ValueError as error:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise UserError(f"{option} {shown!r}: expected {error}") from None


NOT_TRAINED_WITH = frozenset({"temperature"})
"""The knobs that no update depends on: undoing a change of one leaves the network as it is."""

PRESETS: dict[str, dict[str, Value]] = {
    "standard": {"streams": 16, "bptt": LengthLaw.fixed(64), "targets": ALL},
    "online": {"streams": 1, "bptt": LengthLaw.fixed(1), "targets": ALL, "lr": 3e-4},
    "random-step": {"streams": 1, "bptt": LengthLaw("geom", 11, 11), "targets": LAST, "lr": 1.5e-3},
    "quality": {
        "hidden": 512,
        "layers": 2,
        "dropout": 0.3,
        "streams": 32,
        "bptt": LengthLaw.fixed(64),
        "targets": ALL,
        "lr": 3e-3,
    },
}
"""Named settings:

- `standard`: truncated BPTT with carried state.
- `online`: one character at a time.
- `random-step`: a step on a random 1 in 11 characters, with the loss on that one character.
- `quality`: a network for ten minutes of training instead of one.

A gradient from fewer characters is noisier and needs a lower learning rate: at the default rate `online` does not learn
to spell.
"""
