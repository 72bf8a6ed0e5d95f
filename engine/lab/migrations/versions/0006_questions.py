"""The question that a run was made for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column. Of earlier runs nobody knows; they stay in the list of runs."""
    op.add_column("runs", sa.Column("question", sa.Text))
