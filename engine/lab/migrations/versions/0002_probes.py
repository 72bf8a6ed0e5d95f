"""Readings of instruments, and more measurements of updates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

POINTS = ("loss_spread", "worst_loss", "worst_place", "clip_factor", "rate_used")


def upgrade() -> None:
    """Add the table of probes, and columns to the points; older points get values from their other columns."""
    for name in POINTS:
        op.add_column("points", sa.Column(name, sa.Float, nullable=False, server_default="0"))
    op.execute("UPDATE points SET worst_loss = loss, clip_factor = 1, rate_used = lr")
    op.create_table(
        "probes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("run", sa.Integer, sa.ForeignKey("runs.number", ondelete="CASCADE"), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("undone", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("update", sa.Integer, nullable=False),
        sa.Column("chars", sa.Integer, nullable=False),
        sa.Column("instrument", sa.Text, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("values", sa.Text, nullable=False),
    )
    op.create_index(None, "probes", ["run", "update"])
