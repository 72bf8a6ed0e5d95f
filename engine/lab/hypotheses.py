"""The hypotheses of a lab."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from sqlalchemy import RowMapping, insert, select, update

from engine.errors import UserError
from engine.events import Hypothesis, HypothesisStatus, Idea
from engine.lab.columns import next_number, read_word, storable
from engine.lab.database import Database
from engine.lab.schema import hypotheses

LONGEST_CLAIM = 500


class Hypotheses:
    """The hypotheses of an open lab. Every method raises UserError as `Lab` describes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, idea: Idea, run: str, at_update: int) -> Hypothesis:
        """Store a new hypothesis; raises UserError where the claim is empty or a text is too long."""
        claim, prediction = storable(idea.claim.strip()), storable(idea.prediction.strip())
        if not claim:
            raise UserError("the claim is empty: say what you think is the case")
        _check_length(claim, prediction, idea.vary)
        with self._database.writing() as connection:
            number = next_number(connection, hypotheses.c.number)
            added = Hypothesis(
                number, claim, prediction, HypothesisStatus.OPEN, run, at_update, vary=idea.vary, expected=idea.expected
            )
            connection.execute(insert(hypotheses).values(asdict(added)))
        return added

    def test(self, number: int, race: int) -> None:
        """Note that a race tests a hypothesis; raises UserError where there is no such hypothesis."""
        self._set(number, race=race, evidence="")

    def judge(self, race: int, status: HypothesisStatus, evidence: str) -> None:
        """Set the status and evidence of the hypothesis that a race tests, if it tests one."""
        judged = update(hypotheses).where(hypotheses.c.race == race).values(status=status, evidence=evidence)
        with self._database.writing() as connection:
            connection.execute(judged)

    def conclude(self, number: int, status: HypothesisStatus, conclusion: str) -> Hypothesis:
        """Set a hypothesis' status and conclusion; raises UserError where it does not exist or the text is too long."""
        conclusion = storable(conclusion.strip())
        _check_length(conclusion)
        self._set(number, status=status, conclusion=conclusion)
        return next(each for each in self.all() if each.number == number)

    def all(self) -> list[Hypothesis]:
        """Every hypothesis, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(hypotheses).order_by(hypotheses.c.number)).mappings().all()
        return [_as_hypothesis(self._database.folder, row) for row in rows]

    def _set(self, number: int, **values: object) -> None:
        with self._database.writing() as connection:
            changed = connection.execute(update(hypotheses).where(hypotheses.c.number == number).values(values))
            if changed.rowcount == 0:
                raise UserError(f"there is no hypothesis H{number} in the lab {self._database.folder}")


def _as_hypothesis(folder: Path, row: RowMapping) -> Hypothesis:
    status = read_word(folder, "hypotheses.status", row["status"], HypothesisStatus)
    return Hypothesis(**{**row, "status": status})


def _check_length(*texts: str) -> None:
    if any(len(text) > LONGEST_CLAIM for text in texts):
        raise UserError(f"at most {LONGEST_CLAIM} characters fit: shorten the text")
