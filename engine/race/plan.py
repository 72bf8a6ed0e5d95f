"""The plan of a race: its variants, how long each trains, over how many seeds, and which difference matters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import product
from typing import Any

from engine.budget import Budget
from engine.errors import UserError
from engine.settings import PRESETS, Number, Settings, Value, read_value, setting

MOST_VARIANTS = 24
MOST_SEEDS = 100
LEAST_SEEDS = 2

SEEDS = 12
"""The most seeds of a race, unless the user gives another number."""

CHARS = 300_000
"""The characters that each variant reads, unless the user gives a budget: about six seconds at the default size."""

MIN_EFFECT = 0.02
"""The smallest difference that matters, in nats per character, unless the user gives another value."""

SEEDS_KIND = Number(LEAST_SEEDS, MOST_SEEDS, whole=True)
EFFECT_KIND = Number(1e-6, 10)

NOT_RACED = {
    "encoding": "in another encoding the network would read another text",
    "vocabulary": "with another vocabulary the network would read another text",
    "temperature": "no update depends on it",
    "top_k": "no update depends on it",
    "top_p": "no update depends on it",
    "min_p": "no update depends on it",
    "threads": "every variant computes with one thread",
    "device": "variants on different devices would not have equal conditions",
}
"""The settings that cannot differ between variants, each with the reason."""

PRESET = "preset"
"""The name that stands for all settings of a preset."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One side of a race.

    Attributes:
        label: its name, such as `clip off`.
        changes: the values of the settings in which it differs.
    """

    label: str
    changes: Mapping[str, Value]

    def plain(self) -> dict[str, Any]:
        """The variant as JSON values; settings are written as the user would type them."""
        return {"label": self.label, "changes": {name: written(name, value) for name, value in self.changes.items()}}

    @classmethod
    def from_plain(cls, found: Mapping[str, Any]) -> Variant:
        """The variant that `plain` wrote as `found`; raises UserError, TypeError or KeyError where that is damaged."""
        changes = dict(found["changes"])
        return cls(found["label"], {name: setting(name).read(str(text)) for name, text in changes.items()})


@dataclass(frozen=True, slots=True)
class Origin:
    """The state that every variant starts from.

    Attributes:
        run: the run that the state belongs to.
        update: the number of updates up to the state.
        chars: the characters trained on up to the state.
    """

    run: str
    update: int
    chars: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The plan of a race. Raises UserError where there is nothing to compare, or a comparison is not possible.

    Attributes:
        settings: the settings that all variants share.
        variants: the variants; every other one is compared with the first.
        budget: how long each variant trains, counted from its start: characters, updates or seconds, exactly one.
        seeds: the most networks that each variant trains, one per seed.
        min_effect: the smallest difference that matters, in nats per character.
        anneal: whether the learning rate falls to its floor along the budget, as in a training with that budget.
        origin: the state that all variants start from; None for fresh networks.
    """

    settings: Settings
    variants: tuple[Variant, ...]
    budget: Budget = field(default_factory=lambda: Budget(chars=CHARS))
    seeds: int = SEEDS
    min_effect: float = MIN_EFFECT
    anneal: bool = False
    origin: Origin | None = None

    def __post_init__(self) -> None:
        if len(self.variants) < 2:
            raise UserError("there is nothing to compare: name at least two values, as in --vary clip=1,off")
        if len(self.variants) > MOST_VARIANTS:
            raise UserError(f"{len(self.variants)} variants are too many: a race has at most {MOST_VARIANTS}")
        if not SEEDS_KIND.allows(self.seeds):
            raise UserError(
                f"--seeds {self.seeds}: expected {SEEDS_KIND.expects}, since one seed cannot tell an effect from chance"
            )
        if not EFFECT_KIND.allows(self.min_effect):
            raise UserError(f"--min-effect {self.min_effect}: expected {EFFECT_KIND.expects}")
        if sum(end is not None for end in asdict(self.budget).values()) != 1:
            raise UserError("a race ends by one budget: name one of --chars, --updates, --seconds")
        if self.anneal and self.origin is not None:
            raise UserError("--anneal is for fresh networks: in the middle of a training the learning rate would jump")
        if self.anneal and self.budget.seconds is not None:
            raise UserError("--anneal needs --chars or --updates: with --seconds the end is not known beforehand")
        self._check_variants()

    def _check_variants(self) -> None:
        seen: dict[Settings, str] = {}
        for place, variant in enumerate(self.variants):
            for name in variant.changes:
                self._check_may_vary(name)
            chosen = self.chosen(place)
            if chosen in seen:
                raise UserError(
                    f"{variant.label} and {seen[chosen]} are the same: name values that differ "
                    "(to race a variant against itself, vary the seed: --vary seed=0,1)"
                )
            seen[chosen] = variant.label

    def _check_may_vary(self, name: str) -> None:
        described = setting(name)
        if name in NOT_RACED:
            raise UserError(f"--vary {name}: {NOT_RACED[name]}")
        if self.origin is not None and not described.knob:
            raise UserError(f"--vary {name}: {name} cannot change while training; race it from fresh networks")

    def warnings(self) -> Iterator[str]:
        """One line about each unusual value of a variant."""
        chosen = (self.chosen(variant) for variant in range(len(self.variants)))
        return iter(dict.fromkeys(warning for settings in chosen for warning in settings.warnings()))

    def chosen(self, variant: int) -> Settings:
        """The settings of a variant with the first seed."""
        settings = self.settings
        for name, value in self.variants[variant].changes.items():
            settings = settings.with_value(name, value)
        return settings

    def seeded(self, variant: int, replicate: int) -> Settings:
        """The settings of a variant with a seed; replicate 0 keeps the settings' own seed."""
        return seeded(self.chosen(variant), replicate)

    def varied(self) -> tuple[str, ...]:
        """The names of the settings in which the variants differ."""
        return tuple(dict.fromkeys(name for variant in self.variants for name in variant.changes))

    def plain(self) -> dict[str, Any]:
        """The plan as JSON values."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            **plain,
            "settings": self.settings.plain(),
            "variants": [variant.plain() for variant in self.variants],
            "budget": asdict(self.budget),
            "origin": None if self.origin is None else asdict(self.origin),
        }

    @classmethod
    def from_plain(cls, found: Mapping[str, Any]) -> Plan:
        """The plan that `plain` wrote as `found`; raises UserError, TypeError or KeyError where that is damaged."""
        values = {name: found[name] for name in (each.name for each in fields(cls))}
        values["settings"] = Settings.from_plain(values["settings"])
        values["variants"] = tuple(Variant.from_plain(each) for each in values["variants"])
        values["budget"] = Budget(**values["budget"])
        values["origin"] = Origin(**values["origin"]) if values["origin"] else None
        return cls(**values)


def seeded(settings: Settings, replicate: int) -> Settings:
    """Settings with a further seed; the first one is their own."""
    return settings if replicate == 0 else replace(settings, seed=derived_seed(settings.seed, replicate))


def derived_seed(seed: int, replicate: int) -> int:
    """The seed of a further replicate: the same for every variant, and a different one for each `seed`."""
    # Imported here: NumPy takes a tenth of a second to load, and the command line makes plans without it.
    import numpy as np

    return int(np.random.SeedSequence((seed, replicate)).generate_state(1, np.uint64)[0] >> 1)


def axes(text: str) -> tuple[str, ...]:
    """The parts of a line, each as `grid` takes it: `clip=1, off bptt=10,40` has two."""
    return tuple(re.split(r"\s+(?=[\w-]+=)", text.strip())) if text.strip() else ()


def grid(varied: Sequence[str]) -> tuple[Variant, ...]:
    """The variants for every combination of the values in `KNOB=A,B` …; the first values make the first variant.

    Raises UserError where a text has another form, or a setting cannot take a value.
    """
    axes = [_axis(text) for text in varied]
    names = [name for name, _ in axes]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"--vary {twice} is given twice: name all its values at once, as in --vary {twice}=A,B")
    combinations = product(*(values for _, values in axes))
    return tuple(_variant(list(zip(names, values, strict=True))) for values in combinations)


def _axis(text: str) -> tuple[str, list[Value]]:
    """The name and the values in one `KNOB=A,B`; the values of `preset` are the presets' names."""
    name, found, values = text.partition("=")
    name = name.strip().removeprefix("--").replace("-", "_")
    if not found or not name:
        raise UserError(f"--vary {text!r}: expected a setting and its values, as in --vary clip=1,off")
    several: list[Value]
    if name != PRESET:
        several = [read_value(f"--vary {name}", setting(name).kind, each) for each in _split(values)]
    else:
        several = [*_split(values)]
        if unknown := next((each for each in several if each not in PRESETS), None):
            raise UserError(f"--vary preset={unknown}: expected some of {', '.join(PRESETS)}")
    if not several:
        raise UserError(f"--vary {text!r}: no value after the =; name at least two, as in --vary clip=1,off")
    return name, several


def _split(values: str) -> list[str]:
    return [value.strip() for value in values.split(",") if value.strip()]


def _variant(pairs: Sequence[tuple[str, Value]]) -> Variant:
    changes: dict[str, Value] = {}
    for name, value in pairs:
        changes |= PRESETS[str(value)] if name == PRESET else {name: value}
    return Variant(", ".join(f"{name} {written(name, value)}" for name, value in pairs), changes)


def written(name: str, value: Value) -> str:
    """A value as the user would type it; `preset` has presets' names as its values."""
    return str(value) if name == PRESET else setting(name).kind.write(value)
