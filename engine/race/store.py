"""The races of a lab: their plans, statuses and results."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from sqlalchemy import RowMapping, func, insert, select, update

from engine.errors import UserError
from engine.events import HUGE
from engine.lab import schema
from engine.lab.database import errors, from_json
from engine.lab.lab import HOLD_SECONDS, INTERRUPTED, RUNNING, Lab
from engine.race.plan import Plan
from engine.race.result import MEASURES, VERDICTS, Comparison

QUEUED = "queued"
"""The status of a race that has not begun."""

NOT_FINITE = "not-finite"
"""The status of a run that diverged."""


@dataclass(frozen=True, slots=True)
class Race:
    """A race, as the lab stores it.

    Attributes:
        number: its number in the lab, from 1 on.
        text: the corpus' name.
        source: the place of the text: an absolute path, or a built-in text's name.
        digest: sha256 of the text.
        plan: the race's plan.
        created: the time of its creation, ISO 8601 in UTC.
        status: `queued`, `running`, `done`, `stopped`, `failed`, or `interrupted` where its process has died.
        says: the reason for its end, in one line.
        results: every comparison so far.
    """

    number: int
    text: str
    source: str
    digest: str
    plan: Plan
    created: str
    status: str
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
        self._lab = lab

    def create(self, plan: Plan, *, text: str, source: str, digest: str) -> Race:
        """Store a new race and return it."""
        races = schema.races
        with self._lab.writing() as connection:
            number = (connection.scalar(select(func.max(races.c.number))) or 0) + 1
            values = {
                "number": number,
                "text": text.encode("utf-8", "backslashreplace").decode(),
                "source": source.encode("utf-8", "backslashreplace").decode(),
                "digest": digest,
                "plan": json.dumps(plan.plain()),
                "created": datetime.now(UTC).isoformat(timespec="seconds"),
                "status": QUEUED,
                "says": "",
                "results": "[]",
            }
            connection.execute(insert(races).values(values))
        return self.race(f"R{number}")

    def all(self) -> list[Race]:
        """Every race, oldest first."""
        with self._lab.reading() as connection:
            rows = connection.execute(select(schema.races).order_by(schema.races.c.number)).mappings().all()
        return [self._as_race(row) for row in rows]

    def race(self, key: str) -> Race:
        """The race with the name `key`; raises UserError where the lab has none."""
        races = schema.races
        with self._lab.reading() as connection:
            row = connection.execute(select(races).where(races.c.number == race_number(key))).mappings().first()
            last = connection.scalar(select(func.max(races.c.number)))
        if row is None:
            there_are = f"the last one is R{last}" if last else "it has none yet"
            raise UserError(f"the lab {self._lab.folder} has no race {key}: {there_are}")
        return self._as_race(row)

    def set(self, race: Race, *, status: str, says: str, results: Sequence[Comparison]) -> None:
        """Store the status of a race, the reason for it, and the results so far."""
        values = {"status": status, "says": says, "results": json.dumps([_plain(each) for each in results])}
        with self._lab.writing() as connection:
            connection.execute(update(schema.races).where(schema.races.c.number == race.number).values(values))

    def start(self, race: Race) -> Path:
        """The path of the checkpoint that all variants start from; no such file where they start as fresh networks."""
        return self._lab.folder.absolute() / "races" / f"{race.name}.safetensors"

    @contextmanager
    def hold(self, race: Race) -> Iterator[None]:
        """Keep every other process from running this race; raises UserError where another one runs it."""
        lock = self._lock(race.number, HOLD_SECONDS)
        with errors(self._lab.folder):
            self.start(race).parent.mkdir(exist_ok=True)
            try:
                lock.acquire()
            except Timeout:
                raise UserError(f"race {race.name} is being run by another process") from None
        try:
            yield
        finally:
            lock.release()

    def _as_race(self, row: RowMapping) -> Race:
        values: dict[str, Any] = dict(row)
        plan = from_json(self._lab.folder, "races.plan", values["plan"], lambda found: isinstance(found, dict))
        results = from_json(self._lab.folder, "races.results", values["results"], _are_results)
        try:
            values["plan"] = Plan.from_plain(plan)
        except (UserError, TypeError, KeyError, ValueError) as error:
            raise UserError(f"{self._lab.folder}: the plan of race R{values['number']} is damaged: {error}") from error
        values["results"] = tuple(_comparison(each) for each in results)
        if values["status"] == RUNNING and not self._is_held(values["number"]):
            values["status"] = INTERRUPTED
        return Race(**values)

    def _is_held(self, number: int) -> bool:
        lock = self._lock(number, 0)
        if not Path(lock.lock_file).exists():
            return False
        try:
            lock.acquire()
        except (Timeout, OSError):
            return True
        lock.release()
        return False

    def _lock(self, number: int, timeout: float) -> FileLock:
        return FileLock(self._lab.folder / "races" / f".R{number}.lock", timeout=timeout)


def _plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON values; infinity becomes `HUGE`, since JSON lacks it."""
    values = asdict(comparison)
    bounds = {name: max(-HUGE, min(HUGE, values[name])) for name in ("estimate", "low", "high")}
    return {**values, **bounds}


def _comparison(found: dict[str, Any]) -> Comparison:
    bounds = {
        name: math.copysign(math.inf, found[name]) if abs(found[name]) >= HUGE else found[name]
        for name in ("estimate", "low", "high")
    }
    return Comparison(**{**found, **bounds, "diverged": tuple(found["diverged"])})


def _are_results(found: object) -> bool:
    return isinstance(found, list) and all(
        isinstance(each, dict)
        and each.keys() == Comparison.__dataclass_fields__.keys()
        and each["measure"] in MEASURES
        and each["verdict"] in VERDICTS
        and all(isinstance(each[name], int | float) for name in ("variant", "pairs", "estimate", "low", "high"))
        and isinstance(each["diverged"], list)
        for each in found
    )
