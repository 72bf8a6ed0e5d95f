"""The races of a lab: their plans, statuses and results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import RowMapping, func, insert, select, update

from engine.errors import UserError
from engine.events import as_float, as_number
from engine.lab import Lab, lock, schema
from engine.lab.columns import is_dict_of, next_number, now, read_json, read_word, storable
from engine.race.plan import Plan
from engine.race.result import MEASURES, Comparison, RaceStatus, Verdict


@dataclass(frozen=True, slots=True)
class Race:
    """A race, as the lab stores it.

    Attributes:
        number: its number in the lab, from 1 on.
        text: the corpus' name.
        source: the place of the text: an absolute path, or a built-in text's name.
        digest: sha256 of the text.
        plan: what is raced.
        created: when it was asked for, ISO 8601 in UTC.
        status: how it stands.
        says: why it ended, in a line.
        results: every comparison so far.
    """

    number: int
    text: str
    source: str
    digest: str
    plan: Plan
    created: str
    status: RaceStatus
    says: str
    results: tuple[Comparison, ...]

    @property
    def name(self) -> str:
        """The race's name, such as `R3`."""
        return f"R{self.number}"


def race_number(key: str) -> int | None:
    """The number in `R3` or `r3`; None where `key` is not such a name."""
    digits = key[1:]
    return int(digits) if key[:1] in "Rr" and digits.isascii() and digits.isdecimal() and len(digits) < 18 else None


class Races:
    """The races of an open lab; its methods raise UserError where the lab fails."""

    def __init__(self, lab: Lab) -> None:
        self._database = lab.database

    def create(self, plan: Plan, *, text: str, source: str, digest: str) -> Race:
        """Store a new race and return it."""
        races = schema.races
        with self._database.writing() as connection:
            number = next_number(connection, races.c.number)
            values = {
                "number": number,
                "text": storable(text),
                "source": storable(source),
                "digest": digest,
                "plan": json.dumps(plan.plain()),
                "created": now(),
                "status": RaceStatus.QUEUED,
                "says": "",
                "results": "[]",
            }
            connection.execute(insert(races).values(values))
        return self.get(f"R{number}")

    def all(self) -> list[Race]:
        """Every race, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(schema.races).order_by(schema.races.c.number)).mappings().all()
        return [self._as_race(row) for row in rows]

    def get(self, key: str) -> Race:
        """The race `R3`; raises UserError where there is none."""
        races = schema.races
        with self._database.reading() as connection:
            row = connection.execute(select(races).where(races.c.number == race_number(key))).mappings().first()
            last = connection.scalar(select(func.max(races.c.number)))
        if row is None:
            there_are = f"the last one is R{last}" if last else "it has none yet"
            raise UserError(f"the lab {self._database.folder} has no race {key}: {there_are}")
        return self._as_race(row)

    def set(self, race: Race, *, status: RaceStatus, says: str, results: Sequence[Comparison]) -> None:
        """Note how far a race is, or how it has ended."""
        values = {"status": status, "says": says, "results": json.dumps([_plain(each) for each in results])}
        with self._database.writing() as connection:
            connection.execute(update(schema.races).where(schema.races.c.number == race.number).values(values))

    def start(self, race: Race) -> Path:
        """Where the checkpoint lies that all its variants start from, where that is no fresh network."""
        return self._folder / f"{race.name}.safetensors"

    def hold(self, race: Race) -> AbstractContextManager[None]:
        """Keep every other process from running this race; raises UserError where one does."""
        refusal = f"race {race.name} is being run by another process"
        return lock.hold(self._lock_path(race.number), self._database.folder, refusal)

    @property
    def _folder(self) -> Path:
        return self._database.folder.absolute() / "races"

    def _lock_path(self, number: int) -> Path:
        return self._folder / f".R{number}.lock"

    def _as_race(self, row: RowMapping) -> Race:
        folder = self._database.folder
        values: dict[str, Any] = dict(row)
        plan = read_json(folder, "races.plan", values["plan"], is_dict_of(object))
        results = read_json(folder, "races.results", values["results"], _are_results)
        try:
            values["plan"] = Plan.from_plain(plan)
        except (UserError, TypeError, KeyError, ValueError) as error:
            raise UserError(f"{folder}: the plan of race R{values['number']} is damaged: {error}") from error
        values["results"] = tuple(_comparison(each) for each in results)
        values["status"] = read_word(folder, "races.status", values["status"], RaceStatus)
        if values["status"] is RaceStatus.RUNNING and not lock.is_held(self._lock_path(values["number"])):
            values["status"] = RaceStatus.INTERRUPTED
        return Race(**values)


def _plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON values; infinity becomes `HUGE`, since JSON lacks it."""
    values = asdict(comparison)
    return {**values, **{name: as_number(values[name]) for name in ("estimate", "low", "high")}}


def _comparison(found: dict[str, Any]) -> Comparison:
    bounds = {name: as_float(found[name]) for name in ("estimate", "low", "high")}
    return Comparison(**{**found, **bounds, "verdict": Verdict(found["verdict"]), "diverged": tuple(found["diverged"])})


def _are_results(found: object) -> bool:
    return isinstance(found, list) and all(
        isinstance(each, dict)
        and each.keys() == Comparison.__dataclass_fields__.keys()
        and each["measure"] in MEASURES
        and each["verdict"] in tuple(Verdict)
        and all(isinstance(each[name], int | float) for name in ("variant", "pairs", "estimate", "low", "high"))
        and isinstance(each["diverged"], list)
        for each in found
    )
