"""Whether a result was downloaded."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add a column; of those before nobody knows, so they stay."""
    op.add_column("artifacts", sa.Column("fetched", sa.Boolean, nullable=False, server_default=sa.false()))
