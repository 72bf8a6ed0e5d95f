"""Races, the runs that are part of one, and the race that tests a hypothesis."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

COLUMNS: dict[str, list[sa.Column[Any]]] = {
    "runs": [
        sa.Column("race", sa.Integer),
        sa.Column("variant", sa.Integer),
        sa.Column("replicate", sa.Integer),
    ],
    "hypotheses": [
        sa.Column("vary", sa.Text, nullable=False, server_default=""),
        sa.Column("expected", sa.Text, nullable=False, server_default=""),
        sa.Column("race", sa.Integer),
        sa.Column("evidence", sa.Text, nullable=False, server_default=""),
    ],
}


def upgrade() -> None:
    """Add the table of races; no run so far is part of one."""
    op.create_table(
        "races",
        sa.Column("number", sa.Integer, primary_key=True),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("text", "source", "digest", "plan", "created", "status", "says", "results")
        ),
    )
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_index(None, "runs", ["race"])
