"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

SERIES: dict[str, list[sa.Column[Any]]] = {
    "points": [
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("loss", sa.Float, nullable=False),
        sa.Column("grad_norm", sa.Float, nullable=False),
        sa.Column("grad_norm_max", sa.Float, nullable=False),
        sa.Column("clipped", sa.Float, nullable=False),
        sa.Column("norms", sa.Text, nullable=False),
        sa.Column("lr", sa.Float, nullable=False),
        sa.Column("updates", sa.Integer, nullable=False),
    ],
    "validations": [sa.Column("loss", sa.Float, nullable=False)],
    "changes": [
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("knob", sa.Text, nullable=False),
        sa.Column("old", sa.Text, nullable=False),
        sa.Column("new", sa.Text, nullable=False),
    ],
    "checkpoints": [sa.Column("kind", sa.Text, nullable=False), sa.Column("path", sa.Text, nullable=False)],
    "notes": [sa.Column("kind", sa.Text, nullable=False), sa.Column("text", sa.Text, nullable=False)],
    "samples": [sa.Column("temperature", sa.Float, nullable=False), sa.Column("text", sa.Text, nullable=False)],
}


def upgrade() -> None:
    """Make every table of the lab."""
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("settings", sa.Text, nullable=False),
        sa.Column("parent_run", sa.Text),
        sa.Column("parent_update", sa.Integer),
        sa.Column("created", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("update", sa.Integer, nullable=False),
        sa.Column("chars", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("compute", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("parameters", sa.Integer, nullable=False),
        sa.Column("matrix_names", sa.Text, nullable=False),
    )
    for name, columns in SERIES.items():
        op.create_table(
            name,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("run", sa.Integer, sa.ForeignKey("runs.number", ondelete="CASCADE"), nullable=False),
            sa.Column("sequence", sa.Integer, nullable=False),
            sa.Column("undone", sa.Boolean, nullable=False, server_default=sa.false()),
            sa.Column("update", sa.Integer, nullable=False),
            sa.Column("chars", sa.Integer, nullable=False),
            *columns,
        )
        op.create_index(None, name, ["run", "update"])
    op.create_table(
        "hypotheses",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("claim", sa.Text, nullable=False),
        sa.Column("prediction", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("update", sa.Integer, nullable=False),
        sa.Column("conclusion", sa.Text, nullable=False),
    )
