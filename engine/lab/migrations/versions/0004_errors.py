"""The standard error of a validation loss that was estimated from a sample."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; all losses so far are of the whole split, so it is empty for them."""
    op.add_column("validations", sa.Column("error", sa.Float))
