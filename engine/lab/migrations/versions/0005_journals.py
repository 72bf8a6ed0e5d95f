"""Runs of watched programs, each with the journal that it is copied from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns; no run so far was copied from a journal."""
    op.add_column("runs", sa.Column("journal", sa.Text))
    op.add_column("runs", sa.Column("journal_place", sa.Integer, nullable=False, server_default="0"))
