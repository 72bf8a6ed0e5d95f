"""The lab's tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text, false
from sqlalchemy.types import TypeEngine

from engine.events import Change, Note, Point, Probe, Sample, Saved, Stored, Validation

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

races = Table(
    "races",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("plan", Text, nullable=False),  # JSON
    Column("created", Text, nullable=False),  # ISO 8601, UTC
    Column("status", Text, nullable=False),
    Column("says", Text, nullable=False),
    Column("results", Text, nullable=False),  # JSON
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("text", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("settings", Text, nullable=False),  # JSON
    Column("parent_run", Text),
    Column("parent_update", Integer),
    Column("created", Text, nullable=False),  # ISO 8601, UTC
    Column("status", Text, nullable=False),
    Column("update", Integer, nullable=False),
    Column("chars", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("compute", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("parameters", Integer, nullable=False),
    Column("matrix_names", Text, nullable=False),  # JSON
    Column("race", Integer, index=True),
    Column("variant", Integer),
    Column("replicate", Integer),
    Column("journal", Text),  # of a watched program: the name of its folder
    Column("journal_place", Integer, nullable=False, server_default="0"),  # the bytes of it that were copied
    Column("question", Text),  # that it was made for
)


def _event_table(name: str, *columns: Column[Any]) -> Table:
    """A table of events; undone rows stay in it."""
    table = Table(
        name,
        metadata,
        Column("id", Integer, primary_key=True),
        Column("run", Integer, ForeignKey("runs.number", ondelete="CASCADE"), nullable=False),
        Column("sequence", Integer, nullable=False),  # the order over all tables of a run
        Column("undone", Boolean, nullable=False, server_default=false()),
        Column("update", Integer, nullable=False),
        Column("chars", Integer, nullable=False),
        *columns,
    )
    Index(None, table.c.run, table.c["update"])
    return table


def _column(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=False)


points = _event_table(
    "points",
    _column("seconds", Float),
    _column("loss", Float),
    _column("grad_norm", Float),
    _column("grad_norm_max", Float),
    _column("clipped", Float),
    _column("norms", Text),  # JSON
    _column("lr", Float),
    _column("updates", Integer),
    _column("loss_spread", Float),
    _column("worst_loss", Float),
    _column("worst_place", Float),
    _column("clip_factor", Float),
    _column("rate_used", Float),
)
validations = _event_table("validations", _column("loss", Float), Column("error", Float))
changes = _event_table(
    "changes", _column("number", Integer), _column("knob", Text), _column("old", Text), _column("new", Text)
)
checkpoints = _event_table("checkpoints", _column("kind", Text), _column("path", Text))
notes = _event_table("notes", _column("kind", Text), _column("text", Text))
probes = _event_table(
    "probes",
    _column("instrument", Text),
    _column("seconds", Float),
    _column("values", Text),  # JSON
)
samples = _event_table("samples", _column("temperature", Float), _column("text", Text))

EVENT_TABLES: dict[type[Stored], Table] = {
    Point: points,
    Validation: validations,
    Change: changes,
    Saved: checkpoints,
    Note: notes,
    Sample: samples,
    Probe: probes,
}
"""The table of each kind of event."""

hypotheses = Table(
    "hypotheses",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("claim", Text, nullable=False),
    Column("prediction", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("update", Integer, nullable=False),
    Column("conclusion", Text, nullable=False),
    Column("vary", Text, nullable=False, server_default=""),
    Column("expected", Text, nullable=False, server_default=""),
    Column("race", Integer),
    Column("evidence", Text, nullable=False, server_default=""),
)
